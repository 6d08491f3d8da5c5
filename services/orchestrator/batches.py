"""Batches of autopilot conversations: one workflow, one activity and many jobs per part."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from temporalio import activity

from services.orchestrator import lives
from services.orchestrator.activities import HANDOVER_S
from services.orchestrator.context import Context
from services.orchestrator.repository import OrchestratorRepository
from shared.contracts.jobs import (
    ActivityDone,
    BatchJob,
    BulkScoreJob,
    JobKind,
    JobMessage,
    Part,
    ReplyTo,
    ScoreJob,
    encode_payload,
)
from shared.contracts.simulation import EndReason
from shared.db.bulk import count_scoring
from shared.db.jobs import count_down
from shared.db.operations import add_operation_ended
from shared.db.outbox import add_job
from shared.db.pool import Connection
from shared.db.tx import tenant_tx
from shared.workflows import activity_api, batch
from shared.workflows.activity_api import BatchPartRef


class BatchActivities:
    """The activity bodies of batches. Each may run twice; each finds what it did before."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def all(self) -> list[Callable[..., Any]]:
        """Return the bodies for registration."""
        return [self.dispatch, self.fail, self.create_scorings, self.finish]

    @activity.defn(name=activity_api.DISPATCH_BATCH)
    async def dispatch(self, ref: BatchPartRef) -> None:
        """Publish the part's jobs; the last conversation to end completes this activity."""
        async with tenant_tx(self._context.database, ref.tenant_id) as connection:
            await write_part_jobs(self._context, connection, ref)
            repository = OrchestratorRepository(connection, ref.tenant_id)
            waiting = await repository.list_waiting(ref.operation_id, ref.part)
        if not waiting:  # all played, or canceled before anything began
            return
        await asyncio.gather(*(self._publish(ref.tenant_id, job_id) for job_id in waiting))
        activity.raise_complete_async()

    @activity.defn(name=activity_api.FAIL_BATCH)
    async def fail(self, ref: BatchPartRef) -> None:
        """End what could not be played."""
        async with tenant_tx(self._context.database, ref.tenant_id) as connection:
            repository = OrchestratorRepository(connection, ref.tenant_id)
            for simulation_id in await repository.list_unplayed(ref.operation_id, ref.part):
                await lives.end_simulation(
                    self._context, connection, ref.tenant_id, simulation_id, EndReason.FAILED
                )
        self._context.publisher.wake_events()

    @activity.defn(name=activity_api.CREATE_BATCH_SCORINGS)
    async def create_scorings(self, ref: BatchPartRef) -> tuple[UUID, ...]:
        """Create the scorings of what was played, with the jobs of their judge."""
        context = self._context
        workflow_id = f"{batch.workflow_id(ref.operation_id, ref.part)}-scores"
        now = context.clock.now()
        async with tenant_tx(context.database, ref.tenant_id) as connection:
            scoring_ids = await OrchestratorRepository(
                connection, ref.tenant_id
            ).create_batch_scorings(ref.operation_id, ref.part, workflow_id, now)
            for scoring_id in scoring_ids:
                reply_to = ReplyTo(workflow_id=workflow_id, activity_id=f"score-{scoring_id}")
                await add_job(
                    connection,
                    ref.tenant_id,
                    scoring_id,
                    ScoreJob(scoring_id=scoring_id, reply_to=reply_to),
                    JobKind.SCORE,
                    now=now,
                    first_retry_s=context.settings.job_first_retry_s + HANDOVER_S,
                )
        return tuple(scoring_ids)

    @activity.defn(name=activity_api.FINISH_BATCH)
    async def finish(self, ref: BatchPartRef) -> None:
        """Mark the part ended, and the operation with its event when it was the last."""
        context = self._context
        now = context.clock.now()
        async with tenant_tx(context.database, ref.tenant_id) as connection:
            repository = OrchestratorRepository(connection, ref.tenant_id)
            status = await repository.end_part(ref.operation_id, ref.part, now)
            if status is not None:
                await add_operation_ended(
                    connection, ref.tenant_id, context.ids.new(), ref.operation_id, status, now
                )
        context.publisher.wake_events()

    async def _publish(self, tenant_id: UUID, job_id: UUID) -> None:
        message = JobMessage(tenant_id=tenant_id, job_id=job_id, kind=JobKind.BATCH, attempt=1)
        await self._context.publisher.job(message)


async def bury_part_job(
    context: Context, tenant_id: UUID, job_id: UUID, job: BatchJob, code: str
) -> None:
    """End a conversation that no worker survived; the others of its part go on."""
    now = context.clock.now()
    message = None
    async with tenant_tx(context.database, tenant_id) as connection:
        repository = OrchestratorRepository(connection, tenant_id)
        await lives.end_simulation(
            context, connection, tenant_id, job.simulation_id, EndReason.FAILED
        )
        buried = await repository.bury_job(job_id, code, now)
        if buried and job.part is not None and await count_down(connection, tenant_id, job.part):
            message = await add_job(
                connection,
                tenant_id,
                context.ids.new(),
                ActivityDone(reply_to=job.reply_to),
                JobKind.FLOW,
                now=now,
                first_retry_s=context.settings.job_first_retry_s,
            )
    context.publisher.wake_events()
    if message is not None:
        await context.publisher.job(message)


async def bury_bulk_job(
    context: Context, tenant_id: UUID, job_id: UUID, job: BulkScoreJob, code: str
) -> None:
    """Fail a scoring that no worker survived; the others of its request go on."""
    now = context.clock.now()
    await lives.fail_scoring(context, tenant_id, job.scoring_id, code)
    async with tenant_tx(context.database, tenant_id) as connection:
        if await OrchestratorRepository(connection, tenant_id).bury_job(job_id, code, now):
            await count_scoring(connection, tenant_id, job.operation_id, context.ids.new(), now)
    context.publisher.wake_events()


async def write_part_jobs(context: Context, connection: Connection, ref: BatchPartRef) -> None:
    """Write the jobs of a part's open conversations, once; a job's id is its simulation's."""
    repository = OrchestratorRepository(connection, ref.tenant_id)
    simulation_ids = await repository.list_unplayed(ref.operation_id, ref.part)
    reply_to = ReplyTo(
        workflow_id=batch.workflow_id(ref.operation_id, ref.part),
        activity_id=batch.activity_id(ref.part),
    )
    part = Part(operation_id=ref.operation_id, part=ref.part)
    now = context.clock.now()
    due = now + timedelta(seconds=context.settings.job_first_retry_s + HANDOVER_S)
    jobs = [
        (one, encode_payload(BatchJob(simulation_id=one, reply_to=reply_to, part=part)))
        for one in simulation_ids
    ]
    await repository.insert_jobs(jobs, now, due)
