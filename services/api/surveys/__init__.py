"""Surveys: what customers answered about contacts, and learners about their practice."""
