"""The public REST API: keys, validation, idempotency, one HTTP face per feature.

It writes Postgres and publishes what it wrote; it never speaks to Temporal or to a model.
"""
