"""What every question and every answer of reporting has."""

from datetime import datetime
from uuid import UUID

from shared.contracts.base import Record

SERVICE_NAME = "reporting"
"""Name of the NATS service (`$SRV.INFO.reporting` lists its questions)."""

SERVICE_VERSION = "1.0.0"
"""Semantic version of the questions: fields may join with a default without a new one."""


class ReportQuery(Record, frozen=True, kw_only=True):
    """A question; the API has authenticated the tenant and what the caller may see of it."""

    tenant_id: UUID


class AsOf(Record, frozen=True, kw_only=True):
    """How fresh an answer is."""

    at: datetime
    """Everything that was committed before this moment is counted."""
    position: int
    """In the tenant's feed of events: all up to it are counted."""
    behind: int
    """Events, and changes behind what was scored before, that are not counted yet."""
