"""The sealer: gives entries of the audit trail their place in their chain."""
