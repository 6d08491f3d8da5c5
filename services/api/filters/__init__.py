"""Filters of lists: what may be asked, what it names, and the statement that answers it."""
