"""The `rapport` command: a composition root, the only room that may import services."""
