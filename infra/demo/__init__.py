"""`rapport demo`: drives the public API over HTTP like a partner, shows what happens, checks it.

Of the product's inside it uses only the scripted learners' lines and the word for a mood.
"""
