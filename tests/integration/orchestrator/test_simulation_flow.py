"""Simulations from their flow jobs to their scoring, with the real activities."""

from datetime import timedelta
from uuid import UUID

import msgspec
import pytest
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.client import WorkflowExecutionStatus
from temporalio.exceptions import ApplicationError

from services.orchestrator.activities import Activities
from services.orchestrator.context import Context
from services.orchestrator.flow import FlowHandler
from shared.clock import FixedClock
from shared.contracts.jobs import (
    ActivityDone,
    BatchJob,
    JobKind,
    ReplyTo,
    SimulationEnded,
    StartSimulation,
    decode_payload,
)
from shared.ids import format_id
from shared.workflows.activity_api import SimulationLook, SimulationRef
from tests.integration.orchestrator.orchestrator_world import CLOCK, IDS, FakeJudge, World
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("workflows")


async def _status(context: Context, simulation_id: UUID) -> WorkflowExecutionStatus | None:
    handle = context.temporal.get_workflow_handle(format_id("sim", simulation_id))
    return (await handle.describe()).status


async def _run_id(context: Context, simulation_id: UUID) -> str | None:
    handle = context.temporal.get_workflow_handle(format_id("sim", simulation_id))
    return (await handle.describe()).run_id


async def _is_closed(context: Context, simulation_id: UUID) -> bool:
    return await _status(context, simulation_id) is WorkflowExecutionStatus.COMPLETED


class TestInteractive:
    async def test_start_end_and_score(
        self, world: World, context: Context, flow: FlowHandler, judge: FakeJudge
    ) -> None:
        simulation_id = await world.simulation(last_seq=4)
        await flow.handle(await world.flow(StartSimulation(simulation_id=simulation_id)))
        assert await _status(context, simulation_id) is WorkflowExecutionStatus.RUNNING
        await world.end(simulation_id)
        await flow.handle(await world.flow(SimulationEnded(simulation_id=simulation_id)))
        await eventually(lambda: _is_closed(context, simulation_id))
        scoring = await world.scoring(simulation_id)
        assert scoring["status"] == "completed"
        assert scoring["source"] == "simulation"
        assert scoring["learner_id"] == world.learner_id

    async def test_jobs_that_come_twice_and_in_any_order_change_nothing(
        self, world: World, context: Context, flow: FlowHandler, judge: FakeJudge
    ) -> None:
        """The end overtakes the start; then everything comes again when all is over."""
        simulation_id = await world.simulation()
        await world.end(simulation_id)
        jobs = [
            SimulationEnded(simulation_id=simulation_id),
            SimulationEnded(simulation_id=simulation_id),
            StartSimulation(simulation_id=simulation_id),
        ]
        for job in jobs:
            await flow.handle(await world.flow(job))
        await eventually(lambda: _is_closed(context, simulation_id))
        run_id = await _run_id(context, simulation_id)
        before = (await world.row(simulation_id), await world.scoring(simulation_id))
        for job in jobs:
            message = await world.flow(job)
            await flow.handle(message)
            await flow.handle(message)
        assert await _run_id(context, simulation_id) == run_id
        assert (await world.row(simulation_id), await world.scoring(simulation_id)) == before
        await eventually(lambda: _has_no_jobs(world))

    async def test_one_whose_learner_was_erased_is_not_scored(
        self, world: World, context: Context, flow: FlowHandler, judge: FakeJudge
    ) -> None:
        """An erasure ends it beside the workflow, which finds out with its next look."""
        simulation_id = await world.simulation(last_seq=2)
        settings = msgspec.structs.replace(context.settings, simulation_check_s=0.1)
        handler = FlowHandler(msgspec.structs.replace(context, settings=settings))
        await handler.handle(await world.flow(StartSimulation(simulation_id=simulation_id)))
        await world.execute("delete from learner_keys where tenant_id = $1")
        await world.execute(
            "update simulations set status = 'ended', end_reason = 'cancelled', ended_at = now()"
            " where tenant_id = $1"
        )
        await eventually(lambda: _is_closed(context, simulation_id))
        assert await world.fetch("select 1 from scorings where tenant_id = $1") == []
        assert await world.jobs() == []

    async def test_a_simulation_that_is_gone_starts_nothing(
        self, world: World, flow: FlowHandler
    ) -> None:
        await flow.handle(await world.flow(StartSimulation(simulation_id=IDS.new())))
        assert await world.jobs() == []


async def _has_no_jobs(world: World) -> bool:
    return await world.jobs() == []


class TestIdle:
    """`simulation.check` with a clock that a test moves."""

    @pytest.fixture
    def clock(self) -> FixedClock:
        return FixedClock(CLOCK.now())

    @pytest.fixture
    def activities(self, context: Context, clock: FixedClock) -> Activities:
        return Activities(msgspec.structs.replace(context, clock=clock))

    async def test_waits_until_the_time_is_up_then_ends_it_once(
        self, world: World, activities: Activities, clock: FixedClock
    ) -> None:
        simulation_id = await world.simulation(last_seq=2, active_at=clock.now())
        ref = SimulationRef(tenant_id=world.tenant_id, simulation_id=simulation_id)
        idle_s = await world.idle_timeout_s()
        clock.at += timedelta(seconds=idle_s - 60)
        assert await activities.check_simulation(ref) == SimulationLook(ended=False, wait_s=60)
        assert (await world.row(simulation_id))["status"] == "open"
        clock.at += timedelta(seconds=60)
        for _ in range(2):
            assert await activities.check_simulation(ref) == SimulationLook(ended=True, wait_s=0)
        row = await world.row(simulation_id)
        assert (row["status"], row["end_reason"]) == ("ended", "idle")
        assert row["ended_at"] == clock.now()
        assert await world.event_types(simulation_id) == ["simulation.ended"]

    async def test_a_pending_reply_is_not_idleness(
        self, world: World, activities: Activities, clock: FixedClock
    ) -> None:
        simulation_id = await world.simulation(last_seq=3, active_at=clock.now())
        ref = SimulationRef(tenant_id=world.tenant_id, simulation_id=simulation_id)
        clock.at += timedelta(days=1)
        look = await activities.check_simulation(ref)
        # Not every second: each look adds to a history that may not grow for ever.
        assert look == SimulationLook(ended=False, wait_s=await world.idle_timeout_s())
        assert (await world.row(simulation_id))["status"] == "open"

    async def test_the_wait_is_bounded(
        self, world: World, context: Context, clock: FixedClock
    ) -> None:
        settings = msgspec.structs.replace(context.settings, simulation_check_s=5)
        activities = Activities(msgspec.structs.replace(context, clock=clock, settings=settings))
        simulation_id = await world.simulation(active_at=clock.now())
        ref = SimulationRef(tenant_id=world.tenant_id, simulation_id=simulation_id)
        assert await activities.check_simulation(ref) == SimulationLook(ended=False, wait_s=5)

    async def test_an_unknown_simulation_is_a_failure_that_no_retry_mends(
        self, world: World, activities: Activities
    ) -> None:
        ref = SimulationRef(tenant_id=world.tenant_id, simulation_id=IDS.new())
        with pytest.raises(ApplicationError) as caught:
            await activities.check_simulation(ref)
        assert caught.value.non_retryable

    async def test_the_workflow_ends_an_idle_simulation_and_has_it_scored(
        self, world: World, context: Context, flow: FlowHandler, judge: FakeJudge
    ) -> None:
        long_ago = CLOCK.now() - timedelta(days=2)
        simulation_id = await world.simulation(last_seq=2, active_at=long_ago)
        settings = msgspec.structs.replace(context.settings, simulation_check_s=0.1)
        handler = FlowHandler(msgspec.structs.replace(context, settings=settings))
        await handler.handle(await world.flow(StartSimulation(simulation_id=simulation_id)))
        await eventually(lambda: _is_closed(context, simulation_id))
        assert (await world.row(simulation_id))["end_reason"] == "idle"
        assert (await world.scoring(simulation_id))["status"] == "completed"


class TestAutopilot:
    async def test_a_worker_plays_it_then_it_is_scored(
        self, world: World, context: Context, flow: FlowHandler, judge: FakeJudge
    ) -> None:
        simulation_id = await world.simulation(mode="autopilot")
        await flow.handle(await world.flow(StartSimulation(simulation_id=simulation_id)))
        await eventually(lambda: _batch_job_exists(world))
        (job,) = await world.jobs()
        payload = decode_payload(job["payload"])
        assert payload == BatchJob(
            simulation_id=simulation_id,
            reply_to=ReplyTo(
                workflow_id=format_id("sim", simulation_id), activity_id=f"play-{simulation_id}"
            ),
        )
        # What the sim worker commits.
        await world.end(simulation_id)
        await world.execute("delete from jobs where tenant_id = $1")
        assert isinstance(payload, BatchJob)
        await flow.handle(await world.flow(ActivityDone(reply_to=payload.reply_to)))
        await eventually(lambda: _is_closed(context, simulation_id))
        assert (await world.scoring(simulation_id))["status"] == "completed"

    async def test_one_that_cannot_be_played_is_failed_and_not_scored(
        self, world: World, context: Context, flow: FlowHandler
    ) -> None:
        simulation_id = await world.simulation(mode="autopilot")
        await flow.handle(await world.flow(StartSimulation(simulation_id=simulation_id)))
        await eventually(lambda: _batch_job_exists(world))
        reply_to = ReplyTo(
            workflow_id=format_id("sim", simulation_id), activity_id=f"play-{simulation_id}"
        )
        # A worker's answer that comes before the activity began finds no one to tell.
        await eventually(lambda: _is_dispatched(context, simulation_id))
        done = ActivityDone(reply_to=reply_to, failure_code="worker-crashed")
        await flow.handle(await world.flow(done))
        await eventually(lambda: _is_closed(context, simulation_id))
        row = await world.row(simulation_id)
        assert (row["status"], row["end_reason"]) == ("ended", "failed")
        assert await world.event_types(simulation_id) == ["simulation.ended"]
        assert await world.fetch("select 1 from scorings where tenant_id = $1") == []


async def _is_dispatched(context: Context, simulation_id: UUID) -> bool:
    handle = context.temporal.get_workflow_handle(format_id("sim", simulation_id))
    description = await handle.describe()
    started = PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
    return [one.state for one in description.raw_description.pending_activities] == [started]


async def _batch_job_exists(world: World) -> bool:
    return [job["kind"] for job in await world.jobs()] == [JobKind.BATCH]
