"""Weekly pages of teams: who is due, and the one Schedule that asks."""
