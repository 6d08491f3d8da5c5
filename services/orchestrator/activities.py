"""Bodies of the activities named in `shared/workflows/activity_api.py`."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from temporalio import activity
from temporalio.exceptions import ApplicationError

from services.orchestrator import lives
from services.orchestrator.context import Context
from services.orchestrator.repository import OrchestratorRepository
from shared.contracts.jobs import BatchJob, JobKind, JobMessage, ReplyTo, ScoreJob
from shared.contracts.simulation import EndReason
from shared.db.outbox import add_job
from shared.db.pool import Connection
from shared.db.tx import tenant_tx
from shared.ids import format_id
from shared.workflows import activity_api
from shared.workflows.activity_api import (
    ScoringFailure,
    ScoringRef,
    SimulationLook,
    SimulationRef,
)

HANDOVER_S = 7.0
"""Seconds more than usual until the relay publishes a job that waits for its activity: a busy
Temporal needs some."""

_NOT_SCORED = frozenset({EndReason.FAILED, EndReason.CANCELLED})
"""Ends that are not the learner's doing: our own fault; a batch canceled, a learner erased."""


class Activities:
    """All activity bodies over one process context. Each may run twice; each finds what it did
    before.
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def all(self) -> list[Callable[..., Any]]:
        """Return the bodies for registration."""
        return [
            self.dispatch_scoring,
            self.fail_scoring,
            self.create_simulation_scoring,
            self.dispatch_simulation,
            self.check_simulation,
            self.fail_simulation,
        ]

    @activity.defn(name=activity_api.DISPATCH_SCORING)
    async def dispatch_scoring(self, ref: ScoringRef) -> None:
        """Write and publish the judge's job; the result completes this activity."""
        async with tenant_tx(self._context.database, ref.tenant_id) as connection:
            repository = OrchestratorRepository(connection, ref.tenant_id)
            status = await repository.find_scoring_status(ref.scoring_id)
            if status is None:
                raise ApplicationError("no such scoring", type="not-found", non_retryable=True)
            if status in {"completed", "failed"}:
                return
            message = await write_score_job(
                self._context, connection, ref.tenant_id, ref.scoring_id, _own_workflow_id()
            )
            await _check_alive(repository, message)
        await self._context.publisher.job(message)
        activity.raise_complete_async()

    @activity.defn(name=activity_api.FAIL_SCORING)
    async def fail_scoring(self, failure: ScoringFailure) -> None:
        """Mark the scoring failed."""
        await lives.fail_scoring(self._context, failure.tenant_id, failure.scoring_id, failure.code)

    @activity.defn(name=activity_api.CREATE_SIMULATION_SCORING)
    async def create_simulation_scoring(self, ref: SimulationRef) -> ScoringRef | None:
        """Create the scoring of an ended simulation; None for one that is not to be scored."""
        async with tenant_tx(self._context.database, ref.tenant_id) as connection:
            repository = OrchestratorRepository(connection, ref.tenant_id)
            simulation = await repository.find_simulation(ref.simulation_id)
            if simulation is not None and simulation.end_reason in _NOT_SCORED:
                return None
            scoring_id = None
            if simulation is not None:
                workflow_id = scoring_workflow_id(ref.simulation_id)
                scoring_id = await repository.create_simulation_scoring(
                    ref.simulation_id, simulation, workflow_id, self._context.clock.now()
                )
            if scoring_id is not None:
                await write_score_job(
                    self._context, connection, ref.tenant_id, scoring_id, workflow_id
                )
        if scoring_id is None:
            raise ApplicationError("nothing to score with", type="not-found", non_retryable=True)
        return ScoringRef(tenant_id=ref.tenant_id, scoring_id=scoring_id)

    @activity.defn(name=activity_api.DISPATCH_SIMULATION)
    async def dispatch_simulation(self, ref: SimulationRef) -> None:
        """Write and publish the job that plays an autopilot simulation."""
        async with tenant_tx(self._context.database, ref.tenant_id) as connection:
            repository = OrchestratorRepository(connection, ref.tenant_id)
            simulation = await repository.find_simulation(ref.simulation_id)
            if simulation is None:
                raise ApplicationError("no such simulation", type="not-found", non_retryable=True)
            if simulation.status != "open":
                return
            message = await write_play_job(
                self._context, connection, ref.tenant_id, ref.simulation_id
            )
            await _check_alive(repository, message)
        await self._context.publisher.job(message)
        activity.raise_complete_async()

    @activity.defn(name=activity_api.CHECK_SIMULATION)
    async def check_simulation(self, ref: SimulationRef) -> SimulationLook:
        """End the simulation when it has been idle too long; else say when to look again."""
        now = self._context.clock.now()
        async with tenant_tx(self._context.database, ref.tenant_id) as connection:
            repository = OrchestratorRepository(connection, ref.tenant_id)
            simulation = await repository.find_simulation(ref.simulation_id)
            if simulation is None:
                raise ApplicationError("no such simulation", type="not-found", non_retryable=True)
            if simulation.status != "open":
                return SimulationLook(ended=True, wait_s=0)
            left = (
                simulation.last_activity_at + timedelta(seconds=simulation.idle_timeout_s) - now
            ).total_seconds()
            if simulation.last_seq % 2:
                # A pending reply is not idleness: its job has an owner and an end of its own. Each
                # look adds to the workflow's history, so a long outage must not mean many looks.
                left = max(left, simulation.idle_timeout_s)
            if left > 0:
                longest = self._context.settings.simulation_check_s
                return SimulationLook(ended=False, wait_s=min(max(left, 1.0), longest))
            await lives.end_simulation(
                self._context, connection, ref.tenant_id, ref.simulation_id, EndReason.IDLE
            )
        self._context.publisher.wake_events()
        return SimulationLook(ended=True, wait_s=0)

    @activity.defn(name=activity_api.FAIL_SIMULATION)
    async def fail_simulation(self, ref: SimulationRef) -> None:
        """End an autopilot simulation that could not be played."""
        await lives.fail_simulation(self._context, ref.tenant_id, ref.simulation_id)


async def write_score_job(
    context: Context, connection: Connection, tenant_id: UUID, scoring_id: UUID, workflow_id: str
) -> JobMessage:
    """Write the judge's job of a scoring, once; return the message to publish.

    Written first by whoever gives the scoring to its workflow. The activity may die with its
    process after it began, and Temporal repeats it only at the end of its long timeout; by then
    the relay has published the row.
    """
    job = ScoreJob(
        scoring_id=scoring_id,
        reply_to=ReplyTo(workflow_id=workflow_id, activity_id=f"score-{scoring_id}"),
    )
    return await _write(context, connection, tenant_id, scoring_id, job, JobKind.SCORE)


async def write_play_job(
    context: Context, connection: Connection, tenant_id: UUID, simulation_id: UUID
) -> JobMessage:
    """Write the job that plays an autopilot simulation, once; for the same reason."""
    job = BatchJob(
        simulation_id=simulation_id,
        reply_to=ReplyTo(
            workflow_id=format_id("sim", simulation_id), activity_id=f"play-{simulation_id}"
        ),
    )
    return await _write(context, connection, tenant_id, simulation_id, job, JobKind.BATCH)


async def _write(
    context: Context,
    connection: Connection,
    tenant_id: UUID,
    job_id: UUID,
    job: ScoreJob | BatchJob,
    kind: JobKind,
) -> JobMessage:
    return await add_job(
        connection,
        tenant_id,
        job_id,
        job,
        kind,
        now=context.clock.now(),
        first_retry_s=context.settings.job_first_retry_s + HANDOVER_S,
    )


async def _check_alive(repository: OrchestratorRepository, message: JobMessage) -> None:
    """Fail the activity whose job was buried before it began: nobody would ever complete it."""
    code = await repository.find_death(message.job_id)
    if code is not None:
        raise ApplicationError("its job is dead", type=code, non_retryable=True)


def _own_workflow_id() -> str:
    workflow_id = activity.info().workflow_id
    assert workflow_id is not None  # noqa: S101  (only a standalone activity has none)
    return workflow_id


def scoring_workflow_id(scoring_id: UUID) -> str:
    """Return the id of the workflow that is led by this scoring."""
    return format_id("scr", scoring_id)
