"""The audit trail of a tenant: what requests write into it, and how it is read."""
