"""Webhook endpoints, their secrets, and the log of what was delivered to them.

This room writes rows; the orchestrator delivers them.
"""
