"""Practice with a simulated customer: start, take turns, end, read."""
