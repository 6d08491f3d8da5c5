"""What a person may ask of whoever holds their data: a copy of all of it, and its end."""
