"""Personal data out of what leaves the house: recognizers, and marks in their place.

Pure: no network, no files, no clock. What is not recognized here is sent; see `docs/costs.md`.
"""
