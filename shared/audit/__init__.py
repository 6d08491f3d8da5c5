"""Finds the simulator's own faults in a finished conversation; pure and deterministic."""
