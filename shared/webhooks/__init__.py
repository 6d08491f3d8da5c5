"""What the API and the orchestrator share of webhooks: secrets, signatures, bodies, schedule,
health, and requests that cannot reach a private network.
"""
