"""Ends of simulations and scorings that no worker or client brings about: idle, crashed, failed."""

from uuid import UUID

from services.orchestrator.context import Context
from services.orchestrator.repository import OrchestratorRepository
from shared.contracts.base import Record
from shared.contracts.events import EventType
from shared.contracts.jobs import JobKind, RescoreJob, SimulationEnded
from shared.contracts.simulation import EndReason
from shared.db.outbox import add_event, add_job
from shared.db.pool import Connection
from shared.db.tx import tenant_tx
from shared.drafting import stored
from shared.ids import format_id
from shared.telemetry.ages import age_s
from shared.telemetry.measures import Measure, note


class _Reason(Record, frozen=True, kw_only=True):
    reason: str


async def end_simulation(
    context: Context,
    connection: Connection,
    tenant_id: UUID,
    simulation_id: UUID,
    reason: EndReason,
) -> bool:
    """End an open simulation with its event, in the caller's transaction."""
    now = context.clock.now()
    repository = OrchestratorRepository(connection, tenant_id)
    if not await repository.end_simulation(simulation_id, reason, now):
        return False
    await add_event(
        connection,
        tenant_id,
        context.ids.new(),
        EventType.SIMULATION_ENDED,
        simulation_id,
        _Reason(reason=reason.value),
        now=now,
    )
    return True


async def fail_scoring(context: Context, tenant_id: UUID, scoring_id: UUID, code: str) -> None:
    """Mark a scoring failed with its event; a finished one stays as it is."""
    now = context.clock.now()
    async with tenant_tx(context.database, tenant_id) as connection:
        repository = OrchestratorRepository(connection, tenant_id)
        if await repository.fail_scoring(scoring_id, code, now):
            note(Measure("scoring", tenant_id, age_s(scoring_id, now), "failed"))
            await add_event(
                connection,
                tenant_id,
                context.ids.new(),
                EventType.SCORING_FAILED,
                scoring_id,
                _Reason(reason=code),
                now=now,
            )
    context.publisher.wake_events()


async def fail_rescore(context: Context, tenant_id: UUID, job: RescoreJob, code: str) -> None:
    """Write into the timeline that a second judgment will not come; the first one stays."""
    async with tenant_tx(context.database, tenant_id) as connection:
        repository = OrchestratorRepository(connection, tenant_id)
        await repository.add_rescore_failed(
            job.scoring_id, job.assessment_id, code, context.clock.now()
        )


async def fail_draft(context: Context, tenant_id: UUID, operation_id: UUID, code: str) -> None:
    """End the operation of a draft or a trial that no worker survived; nothing of it is stored."""
    async with tenant_tx(context.database, tenant_id) as connection:
        await stored.fail(
            connection, tenant_id, operation_id, context.ids.new(), code, context.clock.now()
        )
    context.publisher.wake_events()


async def fail_unstarted(context: Context, tenant_id: UUID, scoring_id: UUID, code: str) -> None:
    """Mark the scorings failed whose workflow nobody could start: this one, and those it leads."""
    workflow_id = format_id("scr", scoring_id)
    async with tenant_tx(context.database, tenant_id) as connection:
        repository = OrchestratorRepository(connection, tenant_id)
        has_workflow = await repository.find_workflow(scoring_id) is not None
        led = await repository.list_scorings(workflow_id)
    for one in led if has_workflow else (scoring_id,):
        await fail_scoring(context, tenant_id, one, code)


async def fail_unplayed(context: Context, tenant_id: UUID, simulation_id: UUID) -> None:
    """End an autopilot simulation whose workflow nobody could start: no one else would play it.

    An interactive one goes on: its end starts the workflow.
    """
    async with tenant_tx(context.database, tenant_id) as connection:
        row = await OrchestratorRepository(connection, tenant_id).find_simulation(simulation_id)
    if row is not None and row.mode == "autopilot":
        await fail_simulation(context, tenant_id, simulation_id)


async def fail_simulation(context: Context, tenant_id: UUID, simulation_id: UUID) -> None:
    """End a simulation whose next turn could not be made, and tell its workflow."""
    async with tenant_tx(context.database, tenant_id) as connection:
        changed = await end_simulation(
            context, connection, tenant_id, simulation_id, EndReason.FAILED
        )
        if not changed:
            return
        message = await add_job(
            connection,
            tenant_id,
            context.ids.new(),
            SimulationEnded(simulation_id=simulation_id),
            JobKind.FLOW,
            now=context.clock.now(),
            first_retry_s=context.settings.job_first_retry_s,
        )
    await context.publisher.job(message)
    context.publisher.wake_events()
