"""The feed of events, by position, and the catalogue of their types."""
