"""Answers about customer outcomes: surveys, real contacts, and skills beside them."""
