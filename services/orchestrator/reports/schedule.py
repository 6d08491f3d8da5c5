"""When a pass over the weekly pages begins."""

from datetime import timedelta
from typing import Final

from services.orchestrator.schedules import FleetSchedule
from shared.workflows import weekly_reports

PASSES: Final = FleetSchedule(
    schedule_id="weekly-reports", workflow=weekly_reports.NAME, every=timedelta(minutes=10)
)
"""`every` is how late a page may come after its hour; a pass that finds nobody is one query."""
