"""Delivery of events to webhook endpoints: rows are written once per event and endpoint, taken
under a lease, sent, and recorded. PostgreSQL is the only memory; any process may die at any time.
"""
