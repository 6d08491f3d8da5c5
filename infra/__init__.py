"""Commands, the embedded stack, migrations, checks. Services never import this."""
