"""Rubrics drafted by a language model from a scorecard."""
