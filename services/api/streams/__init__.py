"""Server-sent events: how they are written, where a reader stands, and the loop that feeds one.

What is told is the business of the features; nothing here knows a table.
"""
