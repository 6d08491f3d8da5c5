"""Drafts scenarios with a language model, and tries them out with scripted learners."""
