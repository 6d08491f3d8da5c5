"""Users: people who sign in, their roles and their teams."""
