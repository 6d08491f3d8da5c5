"""When a pass of retention begins. An operator may pause it: for a legal hold, say."""

from datetime import timedelta
from typing import Final

from services.orchestrator.schedules import FleetSchedule
from shared.workflows import retention

PASSES: Final = FleetSchedule(
    schedule_id="retention", workflow=retention.NAME, every=timedelta(minutes=30)
)
"""`every` is how late a pass may come; one that finds nobody is one query."""
