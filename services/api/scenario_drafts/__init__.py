"""Scenarios drafted by a language model, and trials of drafts with scripted learners."""
