"""WeeklyReportsWorkflow: one pass over the tenants whose weekly pages are due.

One Schedule of the whole installation starts it every few minutes; Postgres says who is due. So a
tenant costs Temporal nothing until its hour has come, and a pass that was lost is made up for by
the next one: what is made is known by team and week.
"""

import asyncio
from typing import Final

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from shared.contracts.base import Record
    from shared.workflows import activity_api, policies
    from shared.workflows.activity_api import DueReports

NAME: Final = "WeeklyReportsWorkflow"

AT_ONCE: Final = 4
"""Tenants whose pages are made at the same time."""


class WeeklyReportsReport(Record, frozen=True, kw_only=True):
    """How a pass went."""

    done: int
    """Tenants whose pages are all made."""
    failed: int
    """Tenants that the next pass will try again."""


@workflow.defn(name=NAME)
class WeeklyReportsWorkflow:
    """Has the pages of every due tenant made; a tenant in trouble does not hold up the others."""

    @workflow.run
    async def run(self) -> WeeklyReportsReport:
        """Return when each due tenant was tried once."""
        due = await workflow.execute_activity(
            activity_api.LIST_DUE_REPORTS,
            result_type=tuple[DueReports, ...],
            start_to_close_timeout=policies.QUICK,
            retry_policy=policies.PATIENT,
        )
        done = 0
        for start in range(0, len(due), AT_ONCE):
            some = due[start : start + AT_ONCE]
            done += sum(await asyncio.gather(*(self._make(one) for one in some)))
        return WeeklyReportsReport(done=done, failed=len(due) - done)

    async def _make(self, one: DueReports) -> bool:
        try:
            await workflow.execute_activity(
                activity_api.MAKE_REPORTS,
                one,
                activity_id=f"reports-{one.tenant_id}",
                start_to_close_timeout=policies.REPORTS,
                heartbeat_timeout=policies.REPORTS_BEAT,
                retry_policy=policies.BRIEF,
            )
        except ActivityError:
            return False
        return True
