"""What a tenant chooses about its language model: endpoint, key, models, money."""
