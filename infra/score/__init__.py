"""Scores files of conversations without a server: lines in, lines out, in order, resumable."""
