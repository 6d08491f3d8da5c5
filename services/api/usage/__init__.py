"""What the tenant's language model was asked, and what it did cost."""
