"""Reporting: folds score events into facts and rollups, and answers trend questions over NATS.

The only room that writes `report.*` and the consumer position `reporting`; see `trends` for sums.
"""
