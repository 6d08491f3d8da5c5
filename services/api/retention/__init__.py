"""How long a tenant keeps what."""
