"""Batches of autopilot conversations: regression runs of scenarios, calibration of rubrics."""
