"""Short-lived tokens for one learner: how they are made, and what they open."""
