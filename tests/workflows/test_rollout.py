"""Workers of the last release and of the next one on one task queue, with simulations in flight."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from temporalio import workflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from shared.temporal.converter import DATA_CONVERTER
from shared.workflows import activity_api, policies, simulation
from shared.workflows.activity_api import ScoringRef, SimulationLook, SimulationRef
from shared.workflows.scoring import ScoringWorkflow
from shared.workflows.simulation import ENDED_SIGNAL, SimulationOrder, SimulationWorkflow
from tests.support.waiting import eventually
from tests.workflows.fake_activities import ENDED, looks
from tests.workflows.ladder import IDS, Ladder

LIVES = 8
"""Simulations that each side begins."""

PATCH = "look-before-scoring"

OLD = (SimulationWorkflow, ScoringWorkflow)


async def _look(ref: SimulationRef) -> None:
    await workflow.execute_activity(
        activity_api.CHECK_SIMULATION,
        ref,
        result_type=SimulationLook,
        start_to_close_timeout=policies.QUICK,
    )


@workflow.defn(name=simulation.NAME)
class NextSimulation(SimulationWorkflow):
    """Of the next release: looks once more before it scores, as the rules ask for it."""

    @workflow.run
    async def run(self, order: SimulationOrder) -> None:
        await super().run(order)

    async def _score(self, ref: SimulationRef) -> None:
        if workflow.patched(PATCH):
            await _look(ref)
        await super()._score(ref)


@workflow.defn(name=simulation.NAME)
class CarelessSimulation(SimulationWorkflow):
    """Looks first, without asking what was recorded."""

    @workflow.run
    async def run(self, order: SimulationOrder) -> None:
        await _look(SimulationRef(tenant_id=order.tenant_id, simulation_id=order.simulation_id))
        await super().run(order)


NEXT = (NextSimulation, ScoringWorkflow)


@asynccontextmanager
async def _worker(ladder: Ladder, name: str, workflows: Sequence[type]) -> AsyncIterator[None]:
    """Run a worker that keeps nothing: each task may come to another one, and is replayed."""
    client = await Client.connect(  # a process has one of its own
        ladder.client.service_client.config.target_host, data_converter=DATA_CONVERTER
    )
    async with Worker(
        client,
        task_queue=ladder.queue,
        workflows=workflows,
        activities=ladder.fakes.all(),
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_cached_workflows=0,
        identity=name,
    ):
        yield


Handle = WorkflowHandle[Any, Any]


async def _begin(ladder: Ladder, amount: int = LIVES) -> list[Handle]:
    handles = [await ladder.start_simulation(IDS.new()) for _ in range(amount)]
    await asyncio.gather(*(eventually(lambda one=one: _has_begun(one)) for one in handles))
    return handles


async def _has_begun(handle: Handle) -> bool:
    return any(
        event.event_type == EventType.EVENT_TYPE_TIMER_STARTED
        for event in (await handle.fetch_history()).events
    )


async def _who_worked(handles: Sequence[Handle]) -> Counter[str]:
    """Count completed workflow tasks by worker."""
    found: Counter[str] = Counter()
    for handle in handles:
        for event in (await handle.fetch_history()).events:
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
                found[event.workflow_task_completed_event_attributes.identity] += 1
    return found


async def _has_failed_task(handle: Handle) -> bool:
    return any(
        event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
        for event in (await handle.fetch_history()).events
    )


def _answers(ladder: Ladder) -> None:
    ladder.fakes.on[activity_api.CHECK_SIMULATION] = looks(*[ENDED] * 1000)
    scored = (ScoringRef(tenant_id=ladder.tenant_id, scoring_id=IDS.new()) for _ in range(1000))

    async def create(_asked: Any) -> ScoringRef:
        return next(scored)

    ladder.fakes.on[activity_api.CREATE_SIMULATION_SCORING] = create


async def test_old_and_new_workers_share_simulations_in_flight(ladder: Ladder) -> None:
    _answers(ladder)
    async with _worker(ladder, "new", NEXT):
        async with _worker(ladder, "old", OLD):
            lives = await _begin(ladder, 2 * LIVES)
            for handle in lives[:LIVES]:
                await handle.signal(ENDED_SIGNAL)
            # Half of them end while both run; an old worker that meets a patch lets its task go.
            await eventually(lambda: ladder.fakes.count(activity_api.CREATE_SIMULATION_SCORING) > 0)
        for handle in lives[LIVES:]:
            await handle.signal(ENDED_SIGNAL)
        async with asyncio.timeout(120):
            await asyncio.gather(*(handle.result() for handle in lives))
    workers = await _who_worked(lives)
    assert workers["old"] > 0
    assert workers["new"] > 0
    assert ladder.fakes.count(activity_api.CREATE_SIMULATION_SCORING) == len(lives), (
        "each scored once"
    )
    assert ladder.fakes.count(activity_api.CHECK_SIMULATION) >= LIVES, "the new path was taken"


async def test_lives_that_the_old_release_began_go_on_in_the_new_one(ladder: Ladder) -> None:
    _answers(ladder)
    async with _worker(ladder, "old", OLD):
        lives = await _begin(ladder)
    async with _worker(ladder, "new", NEXT):
        for handle in lives:
            await handle.signal(ENDED_SIGNAL)
        async with asyncio.timeout(60):
            await asyncio.gather(*(handle.result() for handle in lives))
    assert not any([await _has_failed_task(handle) for handle in lives])
    assert (await _who_worked(lives)).keys() == {"old", "new"}


async def test_a_careless_release_stops_lives_and_a_good_one_heals_them(ladder: Ladder) -> None:
    _answers(ladder)
    async with _worker(ladder, "old", OLD):
        (life,) = await _begin(ladder, 1)
    async with _worker(ladder, "careless", (CarelessSimulation, ScoringWorkflow)):
        await life.signal(ENDED_SIGNAL)
        await eventually(lambda: _has_failed_task(life))
    assert ladder.fakes.count(activity_api.CREATE_SIMULATION_SCORING) == 0
    async with _worker(ladder, "new", NEXT):
        async with asyncio.timeout(60):
            await life.result()
    assert ladder.fakes.count(activity_api.CREATE_SIMULATION_SCORING) == 1
