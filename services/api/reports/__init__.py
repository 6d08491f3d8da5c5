"""Reports: the HTTP face of `services/reporting`, which answers over NATS."""
