"""Rubrics: what conversations are scored by, in full."""
