"""Learners: the people who practice, and which team they were in when."""
