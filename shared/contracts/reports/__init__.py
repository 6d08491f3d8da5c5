"""Questions the API asks reporting, and their answers; one module per area."""
