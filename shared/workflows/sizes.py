"""How much one workflow is given. No import of Temporal: who only counts does not pay for it."""

from typing import Final

BATCH: Final = 50
"""Scorings, or conversations of a batch, per workflow: a workflow of its own costs more than the
work in it."""
