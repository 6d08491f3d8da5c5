"""Conversations that happened elsewhere, handed in to be scored; and the assessments of all."""
