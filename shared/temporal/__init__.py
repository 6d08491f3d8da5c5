"""Temporal: connection and the msgspec payload converter. Only the orchestrator uses it."""
