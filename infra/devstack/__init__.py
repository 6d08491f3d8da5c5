"""The embedded stack: PostgreSQL, NATS and Temporal from their wheels, on loopback.

Synchronous and single-threaded on purpose: the supervisor that uses it forks service processes.
"""
