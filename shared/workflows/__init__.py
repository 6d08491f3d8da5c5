"""Deterministic code only: workflow definitions, activity stubs, policies. Replayed by tests."""
