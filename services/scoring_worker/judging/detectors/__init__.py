"""Detectors: each answers one indicator over a read transcript. Pure functions, one file per skill."""
