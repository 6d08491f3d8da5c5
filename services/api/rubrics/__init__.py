"""Rubrics: what conversations are scored by, in full, from the first draft to the archive."""
