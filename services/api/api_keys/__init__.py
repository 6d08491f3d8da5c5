"""API keys of a tenant: made, narrowed, rolled and revoked over the API itself."""
