"""What the product holds of a person or a tenant: where, for how long, and how it ends."""
