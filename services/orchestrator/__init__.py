"""Runs the Temporal workflows, hands jobs to workers and takes results back, places and relays
events.

The only room that speaks to Temporal (docs/adr/0002).
"""
