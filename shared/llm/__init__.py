"""The one way to a language model: endpoints, deadlines, money, provenance.

What is asked, and what is made of an answer, belongs to the rooms that ask.
"""
