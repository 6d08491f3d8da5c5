"""The lane `flow`: what the other rooms ask of Temporal, durable like every job."""

from typing import assert_never
from uuid import UUID

from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from services.orchestrator import lives
from services.orchestrator.activities import (
    scoring_workflow_id,
    write_play_job,
    write_score_job,
)
from services.orchestrator.batches import write_part_jobs
from services.orchestrator.context import Context
from services.orchestrator.repository import OrchestratorRepository
from shared.contracts.jobs import (
    RETRIED,
    ActivityDone,
    BatchJob,
    BulkScoreJob,
    JobMessage,
    JobPayload,
    RescoreJob,
    RubricDraftJob,
    ScenarioDraftJob,
    ScenarioTrialJob,
    ScoreJob,
    SimulationEnded,
    StartBatch,
    StartScoring,
    StartSimulation,
    TurnJob,
)
from shared.db.jobs import claim, finish, kept_lease
from shared.db.tx import tenant_tx
from shared.ids import format_id
from shared.log import get_logger
from shared.workflows import batch, scoring, simulation, sizes
from shared.workflows.activity_api import TASK_QUEUE, BatchPartRef
from shared.workflows.batch import BatchOrder
from shared.workflows.scoring import ScoringOrder
from shared.workflows.simulation import SimulationOrder

log = get_logger()


class FlowHandler:
    """Does one flow job: start a workflow, signal one, or complete an activity."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def handle(self, message: JobMessage) -> None:
        """Do the job and delete its row; a repeat after a crash finds Temporal where it left it."""
        context = self._context
        async with tenant_tx(context.database, message.tenant_id) as connection:
            payload = await claim(connection, message, context.settings.job_lease_s)
        if payload is None:
            return
        try:
            # A Temporal that hangs must not let the lease run out: five starts fail the job.
            with kept_lease(context.database, message, context.settings.job_lease_s):
                await self._do(message, payload)
        except RPCError as error:
            if error.status is RPCStatusCode.INVALID_ARGUMENT:
                raise
            # Five starts are for jobs that kill their worker, not for a server that is away.
            log.warning("flow.temporal_away", job_id=str(message.job_id), status=error.status.name)
            async with tenant_tx(context.database, message.tenant_id) as connection:
                await OrchestratorRepository(connection, message.tenant_id).give_back_job(
                    message.job_id, context.settings.job_first_retry_s
                )
            return
        async with tenant_tx(context.database, message.tenant_id) as connection:
            await finish(connection, message.tenant_id, message.job_id)

    async def _do(self, message: JobMessage, payload: JobPayload) -> None:
        match payload:
            case StartSimulation():
                await self._start_simulation(message.tenant_id, payload)
            case StartScoring():
                await self._start_scoring(message.tenant_id, payload)
            case StartBatch():
                await self._start_batch(message.tenant_id, payload)
            case SimulationEnded():
                # Signal-with-start: the end may overtake the start of a very short simulation.
                await self._start_simulation(message.tenant_id, payload, simulation.ENDED_SIGNAL)
            case ActivityDone():
                await self._complete(message.tenant_id, payload)
            case (
                TurnJob() | ScoreJob() | BulkScoreJob() | RescoreJob() | BatchJob()
                | ScenarioDraftJob() | ScenarioTrialJob() | RubricDraftJob()
            ):  # fmt: skip
                log.error("flow.foreign_job", job_id=str(message.job_id))
            case _:
                assert_never(payload)

    async def _start_simulation(
        self,
        tenant_id: UUID,
        job: StartSimulation | SimulationEnded,
        signal: str | None = None,
    ) -> None:
        simulation_id = job.simulation_id
        async with tenant_tx(self._context.database, tenant_id) as connection:
            row = await OrchestratorRepository(connection, tenant_id).find_simulation(simulation_id)
            if row is not None and row.mode == "autopilot" and row.status == "open":
                await write_play_job(self._context, connection, tenant_id, simulation_id)
        if row is None:
            log.error("flow.simulation_missing", simulation_id=str(simulation_id))
            return
        if job.again and row.status != "open":
            if row.status == "scored":
                return  # it ended meanwhile: a second life would wait for an end that was told
            signal = simulation.ENDED_SIGNAL
        order = SimulationOrder(
            tenant_id=tenant_id,
            simulation_id=simulation_id,
            mode="autopilot" if row.mode == "autopilot" else "interactive",
            first_look_s=min(row.idle_timeout_s, self._context.settings.simulation_check_s),
        )
        await self._start(simulation.NAME, format_id("sim", simulation_id), order, job, signal)

    async def _start_scoring(self, tenant_id: UUID, job: StartScoring) -> None:
        scoring_id = job.scoring_id
        workflow_id = scoring_workflow_id(scoring_id)
        async with tenant_tx(self._context.database, tenant_id) as connection:
            repository = OrchestratorRepository(connection, tenant_id)
            if await repository.find_workflow(scoring_id) is None:
                for taken in await repository.take_unstarted(scoring_id, sizes.BATCH, workflow_id):
                    await write_score_job(self._context, connection, tenant_id, taken, workflow_id)
            if await repository.find_workflow(scoring_id) != workflow_id:
                return  # the scoring that leads the workflow starts it, by its own job
            scoring_ids = await repository.list_scorings(workflow_id)
        order = ScoringOrder(tenant_id=tenant_id, scoring_ids=scoring_ids)
        await self._start(scoring.NAME, workflow_id, order, job)

    async def _start_batch(self, tenant_id: UUID, job: StartBatch) -> None:
        operation_id, part = job.operation_id, job.part
        ref = BatchPartRef(tenant_id=tenant_id, operation_id=operation_id, part=part)
        async with tenant_tx(self._context.database, tenant_id) as connection:
            row = await OrchestratorRepository(connection, tenant_id).start_operation(
                operation_id, self._context.clock.now()
            )
            if row is not None:
                # Before the workflow: if its activity dies with its process, the relay publishes.
                await write_part_jobs(self._context, connection, ref)
        if row is None:
            log.error("flow.operation_missing", operation_id=str(operation_id))
            return
        order = BatchOrder(tenant_id=tenant_id, operation_id=operation_id, part=part, is_scored=row)
        await self._start(batch.NAME, batch.workflow_id(operation_id, part), order, job)

    async def _start(
        self,
        name: str,
        workflow_id: str,
        order: SimulationOrder | ScoringOrder | BatchOrder,
        job: StartSimulation | SimulationEnded | StartScoring | StartBatch,
        signal: str | None = None,
    ) -> None:
        reuse = WorkflowIDReusePolicy.REJECT_DUPLICATE
        if job.again:
            reuse = WorkflowIDReusePolicy.ALLOW_DUPLICATE
        try:
            await self._context.temporal.start_workflow(
                name,
                order,
                id=workflow_id,
                task_queue=TASK_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=reuse,
                start_signal=signal,
            )
        except WorkflowAlreadyStartedError:
            log.info("workflow.already_started", workflow_id=workflow_id)

    async def _complete(self, tenant_id: UUID, done: ActivityDone) -> None:
        handle = self._context.temporal.get_async_activity_handle(
            workflow_id=done.reply_to.workflow_id,
            run_id=None,
            activity_id=done.reply_to.activity_id,
        )
        try:
            if done.failure_code is None:
                await handle.complete()
            else:
                await handle.fail(
                    ApplicationError(done.failure_code, type=done.failure_code, non_retryable=True)
                )
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            log.info("activity.already_closed", workflow_id=done.reply_to.workflow_id)
            await self._fail_retried(tenant_id, done)

    async def _fail_retried(self, tenant_id: UUID, done: ActivityDone) -> None:
        """Say the failure of a scoring that an operator had judged again: no workflow does."""
        activity_id = done.reply_to.activity_id
        if done.failure_code is not None and activity_id.startswith(RETRIED):
            scoring_id = UUID(activity_id.removeprefix(RETRIED))
            await lives.fail_scoring(self._context, tenant_id, scoring_id, done.failure_code)
