"""RetentionWorkflow: one pass over the tenants with something that is too old.

One Schedule of the whole installation starts it; Postgres says who is due. A tenant in which
nothing becomes old costs nothing. A pass that was lost is made up for by the next one: what is
dealt with is known, and doing it twice is doing it once.
"""

import asyncio
from typing import Final
from uuid import UUID

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from shared.contracts.base import Record
    from shared.workflows import policies

NAME: Final = "RetentionWorkflow"

LIST_DUE: Final = "retention.list_due"
"""() -> tuple[UUID, ...]. Tenants that may have something too old, some hundred at most."""

ENFORCE: Final = "retention.enforce"
"""UUID -> None. Deals with everything of a tenant that is too old; heartbeats by batch."""

AT_ONCE: Final = 2
"""Tenants dealt with at the same time: this has all night."""


class RetentionReport(Record, frozen=True, kw_only=True):
    """How a pass went."""

    done: int
    """Tenants of which nothing is too old now."""
    failed: int
    """Tenants that the next pass will try again."""


@workflow.defn(name=NAME)
class RetentionWorkflow:
    """Deals with every due tenant; one in trouble does not hold up the others."""

    @workflow.run
    async def run(self) -> RetentionReport:
        """Return when each due tenant was tried once."""
        due = await workflow.execute_activity(
            LIST_DUE,
            result_type=tuple[UUID, ...],
            start_to_close_timeout=policies.QUICK,
            retry_policy=policies.PATIENT,
        )
        done = 0
        for start in range(0, len(due), AT_ONCE):
            some = due[start : start + AT_ONCE]
            done += sum(await asyncio.gather(*(self._enforce(one) for one in some)))
        return RetentionReport(done=done, failed=len(due) - done)

    async def _enforce(self, tenant_id: UUID) -> bool:
        try:
            await workflow.execute_activity(
                ENFORCE,
                tenant_id,
                activity_id=f"retention-{tenant_id}",
                start_to_close_timeout=policies.REPORTS,
                heartbeat_timeout=policies.REPORTS_BEAT,
                retry_policy=policies.BRIEF,
            )
        except ActivityError:
            return False
        return True
