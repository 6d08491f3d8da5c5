"""Is this process alive, may it be sent work, and what does it measure: one small HTTP server."""
