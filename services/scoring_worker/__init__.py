"""Judges one conversation per job. Knows Postgres and NATS, nothing of Temporal."""
