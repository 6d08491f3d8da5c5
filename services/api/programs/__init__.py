"""Training programs: who took part, when, what it cost, and what it should have moved."""
