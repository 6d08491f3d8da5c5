"""What a tenant chooses about its reports."""
