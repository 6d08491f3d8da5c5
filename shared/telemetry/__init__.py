"""What a process measures of itself: one place to note, any number of listeners."""
