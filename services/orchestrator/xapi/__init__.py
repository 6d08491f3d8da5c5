"""Sends statements to the tenants' learning record stores."""
