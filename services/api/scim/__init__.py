"""SCIM 2.0: a tenant's identity provider keeps users and groups up to date by itself."""
