"""NATS: connection, topology, publishing, and the fair pull loop."""
