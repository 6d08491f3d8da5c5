"""Looks at what a model made of a line before anybody hears it; pure."""
