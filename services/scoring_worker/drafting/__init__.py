"""Drafts rubrics with a language model, and tries them out on recorded conversations."""
