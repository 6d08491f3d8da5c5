"""What is done in a turn of a conversation: acts and the words that show them.

Pure; shared by the persona engine and the judge. No scoring and no persona rules live here.
"""
