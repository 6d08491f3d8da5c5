"""Detectors: each answers one indicator over a reading. Pure functions, one file per skill."""
