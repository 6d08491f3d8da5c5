"""Fits the judge's behaviors on conversations that people labelled; never runs in the product.

Needs numpy and scipy (group `dev`). The data stay outside; what ships are the weights.
"""
