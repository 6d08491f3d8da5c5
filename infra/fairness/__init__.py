"""Measures whether the judge can be talked into a score, and whether it minds how people write."""
