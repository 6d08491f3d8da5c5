"""Fits the weights that ship as data, from labels in the repository. Deterministic; no server."""
