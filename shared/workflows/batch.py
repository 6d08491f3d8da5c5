"""SimulationBatchWorkflow: one part of a batch of autopilot conversations, from queued to scored.

A part has up to 50 conversations and one activity for all of them: the worker that plays the last
one completes it. So a conversation costs Temporal next to nothing.
"""

from typing import Final
from uuid import UUID

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ActivityError, WorkflowAlreadyStartedError

with workflow.unsafe.imports_passed_through():
    from shared.contracts.base import Record
    from shared.ids import format_id
    from shared.workflows import activity_api, policies
    from shared.workflows.activity_api import BatchPartRef
    from shared.workflows.scoring import ScoringOrder, ScoringWorkflow

NAME: Final = "SimulationBatchWorkflow"


def workflow_id(operation_id: UUID, part: int) -> str:
    """Return the id of the workflow that drives a part."""
    return f"{format_id('op', operation_id)}-{part}"


def activity_id(part: int) -> str:
    """Return the id of the activity that waits for a part's conversations."""
    return f"play-{part}"


class BatchOrder(Record, frozen=True, kw_only=True):
    """Which part to drive; ids only."""

    tenant_id: UUID
    operation_id: UUID
    part: int
    is_scored: bool


@workflow.defn(name=NAME)
class SimulationBatchWorkflow:
    """Has the conversations played, then scored, then says that the part is done."""

    @workflow.run
    async def run(self, order: BatchOrder) -> None:
        """Return when everything in the part has ended, one way or the other."""
        ref = BatchPartRef(
            tenant_id=order.tenant_id, operation_id=order.operation_id, part=order.part
        )
        await self._play(ref)
        if order.is_scored:
            await self._score(ref)
        await workflow.execute_activity(
            activity_api.FINISH_BATCH,
            ref,
            start_to_close_timeout=policies.QUICK,
            retry_policy=policies.PATIENT,
        )

    async def _play(self, ref: BatchPartRef) -> None:
        try:
            await workflow.execute_activity(
                activity_api.DISPATCH_BATCH,
                ref,
                activity_id=activity_id(ref.part),
                start_to_close_timeout=policies.PLAY_PART,
                retry_policy=policies.PATIENT,
            )
        except ActivityError:
            await workflow.execute_activity(
                activity_api.FAIL_BATCH,
                ref,
                start_to_close_timeout=policies.QUICK,
                retry_policy=policies.PATIENT,
            )

    async def _score(self, ref: BatchPartRef) -> None:
        scoring_ids = await workflow.execute_activity(
            activity_api.CREATE_BATCH_SCORINGS,
            ref,
            result_type=tuple[UUID, ...],
            start_to_close_timeout=policies.QUICK,
            retry_policy=policies.PATIENT,
        )
        if not scoring_ids:
            return
        try:
            await workflow.execute_child_workflow(
                ScoringWorkflow.run,
                ScoringOrder(tenant_id=ref.tenant_id, scoring_ids=scoring_ids),
                id=f"{workflow_id(ref.operation_id, ref.part)}-scores",
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            )
        except WorkflowAlreadyStartedError:
            workflow.logger.info("scoring.already_started")
