"""Which pages may call the API from a browser: the tenants' own lists."""
