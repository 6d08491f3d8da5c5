"""A scripted endpoint: an HTTP server that speaks chat completions and costs nothing."""
