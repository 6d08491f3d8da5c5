"""Measures what a model as judge is asked and what that costs: the tables of its guide."""
