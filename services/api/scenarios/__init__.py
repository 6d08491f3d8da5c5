"""Scenarios to practice with; what the customer hides is never shown here."""
