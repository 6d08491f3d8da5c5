"""`rapport play`: practice in the terminal, without any server."""
