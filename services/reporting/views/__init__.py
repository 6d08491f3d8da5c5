"""Answers about skills over time, each from one transaction."""
