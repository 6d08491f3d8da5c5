"""Batches from their flow jobs to their end, with the real activities."""

import asyncio
from uuid import UUID

import pytest
from temporalio.client import WorkflowExecutionStatus

from services.orchestrator.batches import BatchActivities, bury_part_job
from services.orchestrator.context import Context
from services.orchestrator.flow import FlowHandler
from shared.contracts.jobs import (
    ActivityDone,
    BatchJob,
    JobKind,
    JobMessage,
    Part,
    ReplyTo,
    StartBatch,
    encode_payload,
)
from shared.db.jobs import count_down
from shared.db.tx import tenant_tx
from shared.ids import Uuid7Maker
from shared.workflows import batch
from shared.workflows.activity_api import BatchPartRef
from tests.integration.orchestrator.orchestrator_world import FakeJudge, FakePlayer, World
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("workflows")

IDS = Uuid7Maker()


async def _is_closed(context: Context, operation_id: UUID, part: int) -> bool:
    handle = context.temporal.get_workflow_handle(batch.workflow_id(operation_id, part))
    return (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED


async def _start(world: World, flow: FlowHandler, operation_id: UUID, part: int = 0) -> None:
    await flow.handle(await world.flow(StartBatch(operation_id=operation_id, part=part)))


async def test_every_part_is_played_and_the_last_ends_the_operation(
    world: World, context: Context, flow: FlowHandler, player: FakePlayer
) -> None:
    operation_id = await world.batch(3, 2)
    await _start(world, flow, operation_id, 0)
    await eventually(lambda: _is_closed(context, operation_id, 0))
    running = await world.operation(operation_id)
    assert (running["status"], running["ended_at"]) == ("running", None)
    assert running["started_at"] is not None

    await _start(world, flow, operation_id, 1)
    await eventually(lambda: _is_closed(context, operation_id, 1))

    ended = await world.operation(operation_id)
    assert ended["status"] == "succeeded"
    assert ended["ended_at"] is not None
    assert {row["status"] for row in await world.played(operation_id)} == {"ended"}
    assert await world.event_types(operation_id) == ["operation.ended"]
    assert await world.jobs() == []


async def test_a_start_that_comes_twice_changes_nothing(
    world: World, context: Context, flow: FlowHandler, player: FakePlayer
) -> None:
    operation_id = await world.batch(2)
    for _ in range(3):
        await _start(world, flow, operation_id)
    await eventually(lambda: _is_closed(context, operation_id, 0))
    before = await world.operation(operation_id)
    await _start(world, flow, operation_id)
    activities = BatchActivities(context)
    ref = BatchPartRef(tenant_id=world.tenant_id, operation_id=operation_id, part=0)
    await activities.dispatch(ref)
    await activities.finish(ref)
    assert await world.operation(operation_id) == before
    assert await world.event_types(operation_id) == ["operation.ended"]


async def test_a_start_beside_a_conversation_s_end_asks_for_no_second_one(
    world: World, context: Context, flow: FlowHandler, player: FakePlayer
) -> None:
    """Its job would be counted twice, and the part end without the others."""
    operation_id = await world.batch(2)
    ending, other = [row["simulation_id"] for row in await world.played(operation_id)]
    player.is_deaf_to |= {ending, other}
    await _start(world, flow, operation_id)

    async def is_held_up() -> bool:
        waiting = "select count(*) as n from pg_locks where not granted and $1::uuid is not null"
        return bool((await world.one(waiting))["n"])

    async with tenant_tx(world.database, world.tenant_id) as connection:
        await connection.execute(
            "update simulations set status = 'ended', end_reason = 'goal_met', ended_at = now()"
            " where tenant_id = $1 and simulation_id = $2",
            world.tenant_id,
            ending,
        )
        await connection.execute(
            "delete from jobs where tenant_id = $1 and job_id = $2", world.tenant_id, ending
        )
        part = Part(operation_id=operation_id, part=0)
        assert not await count_down(connection, world.tenant_id, part)
        again = asyncio.create_task(_start(world, flow, operation_id))
        await eventually(is_held_up)
    await again
    jobs = [row["job_id"] for row in await world.jobs()]
    assert ending not in jobs
    assert other in jobs
    job = BatchJob(
        simulation_id=other,
        reply_to=ReplyTo(workflow_id=batch.workflow_id(operation_id, 0), activity_id="play-0"),
        part=part,
    )
    await bury_part_job(context, world.tenant_id, other, job, "worker-crashed")
    await eventually(lambda: _is_closed(context, operation_id, 0))


async def test_what_is_played_is_scored_and_left_out_of_trends(
    world: World, context: Context, flow: FlowHandler, player: FakePlayer, judge: FakeJudge
) -> None:
    operation_id = await world.batch(3, is_scored=True)
    await _start(world, flow, operation_id)
    await eventually(lambda: _is_closed(context, operation_id, 0))
    scorings = [
        await world.scoring(row["simulation_id"]) for row in await world.played(operation_id)
    ]
    assert {row["status"] for row in scorings} == {"completed"}
    assert {row["excluded"] for row in scorings} == {"batch"}


async def test_what_was_canceled_before_it_began_ends_at_once(
    world: World, context: Context, flow: FlowHandler, player: FakePlayer
) -> None:
    operation_id = await world.batch(4)
    await world.execute(
        "update operations set status = 'canceled', ended_at = now()"
        " where tenant_id = $1 and operation_id = $2",
        operation_id,
    )
    await world.execute(
        "update simulations set status = 'ended', end_reason = 'cancelled', ended_at = now()"
        " where tenant_id = $1 and operation_id = $2",
        operation_id,
    )
    await _start(world, flow, operation_id)
    await eventually(lambda: _is_closed(context, operation_id, 0))
    operation = await world.operation(operation_id)
    assert (operation["status"], operation["started_at"]) == ("canceled", None)
    assert await world.event_types(operation_id) == []
    assert {row["end_reason"] for row in await world.played(operation_id)} == {"cancelled"}


async def test_a_conversation_that_no_worker_survives_does_not_hold_up_the_others(
    world: World, context: Context, flow: FlowHandler, player: FakePlayer
) -> None:
    operation_id = await world.batch(3)
    deadly = (await world.played(operation_id))[1]["simulation_id"]
    player.is_deaf_to.add(deadly)
    await _start(world, flow, operation_id)

    async def only_one_is_left() -> bool:
        rows = await world.played(operation_id)
        return [row["simulation_id"] for row in rows if row["status"] == "open"] == [deadly]

    await eventually(only_one_is_left)
    assert not await _is_closed(context, operation_id, 0)
    job = BatchJob(
        simulation_id=deadly,
        reply_to=ReplyTo(workflow_id=batch.workflow_id(operation_id, 0), activity_id="play-0"),
        part=Part(operation_id=operation_id, part=0),
    )
    for _ in range(2):  # the relay may die after the first
        await bury_part_job(context, world.tenant_id, deadly, job, "worker-crashed")
    await eventually(lambda: _is_closed(context, operation_id, 0))
    assert (await world.row(deadly))["end_reason"] == "failed"
    assert (await world.operation(operation_id))["status"] == "succeeded"


async def test_nothing_that_could_be_played_is_a_failure(
    world: World, context: Context, flow: FlowHandler, player: FakePlayer
) -> None:
    operation_id = await world.batch(1)
    (only,) = await world.played(operation_id)
    player.is_deaf_to.add(only["simulation_id"])
    await _start(world, flow, operation_id)
    job = BatchJob(
        simulation_id=only["simulation_id"],
        reply_to=ReplyTo(workflow_id=batch.workflow_id(operation_id, 0), activity_id="play-0"),
        part=Part(operation_id=operation_id, part=0),
    )
    await bury_part_job(context, world.tenant_id, only["simulation_id"], job, "worker-crashed")
    await eventually(lambda: _is_closed(context, operation_id, 0))
    assert (await world.operation(operation_id))["status"] == "failed"


async def test_a_worker_that_was_given_up_is_counted_once(
    world: World, context: Context, flow: FlowHandler, player: FakePlayer
) -> None:
    operation_id = await world.batch(2)
    slow, other = [row["simulation_id"] for row in await world.played(operation_id)]
    player.is_deaf_to |= {slow, other}
    await _start(world, flow, operation_id)
    job = BatchJob(
        simulation_id=slow,
        reply_to=ReplyTo(workflow_id=batch.workflow_id(operation_id, 0), activity_id="play-0"),
        part=Part(operation_id=operation_id, part=0),
    )
    await bury_part_job(context, world.tenant_id, slow, job, "worker-crashed")

    async def finish(simulation_id: UUID) -> bool:
        done = await world.one(
            "select app.finish_batch_v2($1, $2, $3, 0, $4, $5, now(), 3) as is_last",
            simulation_id,
            operation_id,
            IDS.new(),
            encode_payload(ActivityDone(reply_to=job.reply_to)),
        )
        return bool(done["is_last"])

    assert not await finish(slow)  # it comes to its end after all
    (left,) = [row for row in await world.jobs() if row["job_id"] == slow]
    assert left["dead_at"] is not None
    (part,) = await world.fetch(
        "select unplayed from operation_parts where tenant_id = $1 and operation_id = $2",
        operation_id,
    )
    assert part["unplayed"] == 1
    await world.execute(
        "update simulations set status = 'ended', end_reason = 'goal_met', ended_at = now()"
        " where tenant_id = $1 and simulation_id = $2",
        other,
    )
    assert await finish(other)
    (told,) = [row["job_id"] for row in await world.jobs() if row["kind"] == "flow"]
    await flow.handle(
        JobMessage(tenant_id=world.tenant_id, job_id=told, kind=JobKind.FLOW, attempt=1)
    )
    await eventually(lambda: _is_closed(context, operation_id, 0))
