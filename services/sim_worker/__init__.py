"""Makes the simulated customer's replies: one job = one reply, or one whole autopilot
conversation.
"""
