"""What a tenant may use: plans, what differs from them, states, and the check of new work."""
