"""Measures what the judge's abstention is worth: how often decisions are wrong, and repeat.

Plays the library's scripted learners with several seeds; no label of a person is involved.
"""
