"""A trace survives the loss of a message: the rows of jobs and events know it. [R-D1]."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from nats.aio.client import Client as NatsClient
from nats.aio.msg import Msg

from services.orchestrator.context import Context
from services.orchestrator.fleet import FleetWatch
from services.orchestrator.queues import TemporalWatch
from services.orchestrator.relay import Relay
from shared.contracts.events import EventType
from shared.contracts.jobs import JobKind, SimulationEnded, TurnJob
from shared.contracts.subjects import event_subject, job_subject
from shared.db.outbox import add_event
from shared.db.tx import TENANT_FIRST, system_tx, tenant_once, tenant_tx
from shared.telemetry import metrics, trace
from tests.integration.orchestrator.orchestrator_world import IDS, World
from tests.support.spans import recording
from tests.support.waiting import eventually


@pytest.fixture
async def headers(nats: NatsClient, world: World) -> AsyncIterator[list[dict[str, str]]]:
    """Headers of the test's tenant's messages as they are published: turns, and events."""
    seen: list[dict[str, str]] = []

    async def note(message: Msg) -> None:
        seen.append(dict(message.headers or {}))

    subjects = (
        job_subject(JobKind.TURN, world.tenant_id),
        event_subject(world.tenant_id, EventType.TURN_COMPLETED),
    )
    subscriptions = [await nats.subscribe(subject, cb=note) for subject in subjects]
    await nats.flush()
    yield seen
    for subscription in subscriptions:
        await subscription.unsubscribe()


async def test_a_job_is_published_again_in_the_trace_of_its_row(
    world: World, context: Context, nats: NatsClient, headers: list[dict[str, str]]
) -> None:
    with recording() as recorded:
        with trace.span("asked", kind="server"):
            asked = trace.here()
            await world.job(TurnJob(simulation_id=IDS.new(), seq=2), JobKind.TURN, due_in_s=0)
        assert trace.here() == ""
        await Relay(context, nats).repair()
        await eventually(lambda: len(headers) == 1)
    again = next(span for span in recorded.spans if span.name == "publish turn")
    assert again.parent is not None
    assert f"{again.parent.span_id:016x}" == asked[36:52]
    assert headers[0][trace.HEADER][:35] == asked[:35]


async def test_an_untraced_job_has_no_header(
    world: World, context: Context, nats: NatsClient, headers: list[dict[str, str]]
) -> None:
    await world.job(TurnJob(simulation_id=IDS.new(), seq=2), JobKind.TURN, due_in_s=0)
    await Relay(context, nats).repair()
    await eventually(lambda: len(headers) == 1)
    assert trace.HEADER not in headers[0]


async def test_an_event_keeps_the_trace_of_its_transaction(
    world: World, context: Context, nats: NatsClient, headers: list[dict[str, str]]
) -> None:
    said = SimulationEnded(simulation_id=IDS.new())
    traces: list[str] = []
    with recording() as recorded:
        for traced in (True, False):
            with trace.span("asked") if traced else trace.span("other", parent=UNRECORDED):
                traces.append(trace.here())
                async with tenant_tx(context.database, world.tenant_id) as connection:
                    await add_event(
                        connection,
                        world.tenant_id,
                        IDS.new(),
                        EventType.TURN_COMPLETED,
                        said.simulation_id,
                        said,
                        now=context.clock.now(),
                    )
        async with (await context.database.system()).acquire() as guard:
            await Relay(context, nats).place(guard)
        await eventually(lambda: len(headers) == 2)
    assert headers[0][trace.HEADER] == traces[0]
    assert trace.HEADER not in headers[1]
    placing = next(span for span in recorded.spans if span.name == "place events")
    linked = {f"{link.context.trace_id:032x}" for link in placing.links}
    assert traces[0][3:35] in linked


UNRECORDED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


async def test_a_single_statement_says_its_trace_as_well(world: World, context: Context) -> None:
    """Both forms of `tenant_once`: an insert, and a function that sets its tenant itself."""
    resource = IDS.new()
    insert = (
        f"{TENANT_FIRST} insert into events"
        " (tenant_id, event_id, type, resource_id, sequence, data, occurred_at)"
        " select $1, $2, 'turn.completed', $3, 1, '{}', $4 from tenant returning trace"
    )
    now = context.clock.now()
    with recording(), trace.span("asked"):
        rows = await tenant_once(
            context.database, world.tenant_id, insert, IDS.new(), resource, now, writes_events=True
        )
        assert rows[0]["trace"] == trace.here()
        call = "select * from app.said_v1($1, $2, $3)"
        said = await tenant_once(
            context.database, world.tenant_id, call, IDS.new(), 2, writes_events=True
        )
        assert said == []
    rows = await tenant_once(context.database, world.tenant_id, insert, IDS.new(), IDS.new(), now)
    assert rows[0]["trace"] is None


async def test_the_fleet_s_numbers_are_those_of_the_database(
    world: World, context: Context
) -> None:
    metrics.begin(with_process=False)
    try:
        await world.job(TurnJob(simulation_id=IDS.new(), seq=2), JobKind.TURN, due_in_s=60)
        lost, ended = context.clock.now() - timedelta(minutes=1), context.clock.now()
        async with system_tx(context.database) as connection:
            for service, seen_at in (("gone_one", lost), ("well_one", ended)):
                await connection.execute(
                    "insert into processes values ($1, $2, '1', $3, $3, '{}')",
                    IDS.new(), service, seen_at,
                )  # fmt: skip
        watch = FleetWatch(context.database, TemporalWatch(context.temporal), context.clock)
        await watch.look()
        shown = metrics.exposition().decode().splitlines()
    finally:
        metrics.end()
    numbers = {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in shown if line[0] != "#"
    }
    assert numbers['jobs_queued{kind="turn",state="waiting"}'] >= 1
    assert numbers["tenants_with_work"] >= 1
    assert numbers['processes_silent{service="gone_one"}'] == 1
    assert numbers['processes_silent{service="well_one"}'] == 0
    assert numbers['temporal_task_queue_backlog{queue="rapport",type="workflow"}'] >= 0
    for name in (
        "api_keys_expiring",
        "erasure_oldest_seconds",
        'outbox_lag_seconds{kind="events"}',
    ):
        assert numbers[name] >= 0
