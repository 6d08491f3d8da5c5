"""Long work: its status and progress, and how to cancel it."""
