"""Retention: what is older than its tenant wants to keep it loses its words, or goes."""
