"""What training programs brought."""
