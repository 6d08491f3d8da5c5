"""ScoringWorkflow: the life of up to 50 scorings of one tenant."""

import asyncio
from typing import Final
from uuid import UUID

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from shared.contracts.base import Record
    from shared.workflows import activity_api, policies
    from shared.workflows.activity_api import ScoringFailure, ScoringRef

NAME: Final = "ScoringWorkflow"


class ScoringOrder(Record, frozen=True, kw_only=True):
    """What to score; ids only."""

    tenant_id: UUID
    scoring_ids: tuple[UUID, ...]


class ScoringReport(Record, frozen=True, kw_only=True):
    """How it went."""

    completed: int
    failed: int


@workflow.defn(name=NAME)
class ScoringWorkflow:
    """Has each scoring judged by a worker; a scoring that cannot be judged is marked failed."""

    @workflow.run
    async def run(self, order: ScoringOrder) -> ScoringReport:
        """Return when every scoring of the order is finished, one way or the other."""
        outcomes = await asyncio.gather(
            *(
                self._score(ScoringRef(tenant_id=order.tenant_id, scoring_id=scoring_id))
                for scoring_id in order.scoring_ids
            )
        )
        return ScoringReport(completed=sum(outcomes), failed=len(outcomes) - sum(outcomes))

    async def _score(self, ref: ScoringRef) -> bool:
        try:
            await workflow.execute_activity(
                activity_api.DISPATCH_SCORING,
                ref,
                activity_id=f"score-{ref.scoring_id}",
                start_to_close_timeout=policies.SCORE,
                retry_policy=policies.PATIENT,
            )
        except ActivityError as error:
            await self._fail(ref, _code(error))
            return False
        return True

    async def _fail(self, ref: ScoringRef, code: str) -> None:
        await workflow.execute_activity(
            activity_api.FAIL_SCORING,
            ScoringFailure(tenant_id=ref.tenant_id, scoring_id=ref.scoring_id, code=code),
            start_to_close_timeout=policies.QUICK,
            retry_policy=policies.PATIENT,
        )


def _code(error: ActivityError) -> str:
    cause = error.cause
    return cause.type or "unknown" if isinstance(cause, ApplicationError) else "timeout"
