"""Results as xAPI statements (IEEE 9274.1.1, ADL 1.0.3): what is said, and what it is read from."""
