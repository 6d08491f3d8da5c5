"""The customer's mind: pure, integer, deterministic. No I/O but reading its own tables once."""
