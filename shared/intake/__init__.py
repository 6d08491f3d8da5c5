"""Takes transcripts in: cleans them, checks the limits, looks at language and roles. Pure."""
