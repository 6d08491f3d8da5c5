"""Feedback for the learner: what went well, what to say instead, what to practice next; pure."""
