"""Results as xAPI statements, to be fetched, and where they are sent by themselves."""
