"""Plain-SQL migrations and their runner."""
