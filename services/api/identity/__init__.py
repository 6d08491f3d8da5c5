"""Sign-in with tokens of a tenant's own identity provider (OpenID Connect)."""
