"""Dated versions: which one a request speaks, and how older ones are served.

Handlers know the newest version only; an older one is made from its answer, change by change.
"""
