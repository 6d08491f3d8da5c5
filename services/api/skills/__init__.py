"""The skill taxonomy, and what a tenant makes of it."""
