"""The permission matrix of NATS, tried out user by user: what is not allowed fails [R-C6]."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import nats
import pytest
from nats.aio.client import Client
from nats.errors import NoRespondersError
from nats.js.api import ConsumerConfig, RetentionPolicy

from infra.devstack.nats_users import USER_NAMES
from infra.devstack.stack import Stack
from tests.support.waiting import eventually

SERVICES = tuple(name for name in USER_NAMES if name != "admin")

MAY_PUBLISH = {
    "jobs.turn.ten1": {"api", "orchestrator"},
    "jobs.score.ten1": {"api", "orchestrator"},
    "jobs.batch.ten1": {"api", "orchestrator"},
    "jobs.flow.ten1": {"api", "orchestrator", "sim_worker", "scoring_worker"},
    "jobs.other.ten1": {"orchestrator"},
    "wake.turn.ten1": {"api", "orchestrator", "sim_worker", "scoring_worker"},
    "wake.events": {"api", "orchestrator", "sim_worker", "scoring_worker"},
    "live.ten1.sim1": {"sim_worker", "scoring_worker"},
    "evt.ten1.scoring.completed": {"orchestrator"},
    "report.trend": {"api"},
    "report.weekly": {"api", "orchestrator"},
    "judge.dry_run": {"api"},
    "_INBOX_api.forged": set(),
    "elsewhere": set(),
    "$SYS.REQ.SERVER.PING": set(),
    "$JS.API.STREAM.LIST": set(),
    "$JS.API.STREAM.DELETE.WORK_TURN": set(),
    "$JS.API.STREAM.PURGE.WORK_TURN": set(),
    "$JS.API.STREAM.UPDATE.WORK_TURN": set(),
    "$JS.API.STREAM.MSG.GET.WORK_TURN": set(),
    "$JS.API.STREAM.INFO.WORK_TURN": {"api", "orchestrator", "sim_worker"},
    "$JS.API.STREAM.CREATE.WORK_SCORE": {"api", "orchestrator", "scoring_worker"},
    "$JS.API.STREAM.INFO.EVENTS": {"orchestrator", "reporting"},
    "$JS.API.CONSUMER.CREATE.WORK_TURN.turn_ten1.jobs": {"sim_worker"},
    "$JS.API.CONSUMER.DURABLE.CREATE.WORK_BATCH.batch_ten1": {"sim_worker"},
    "$JS.API.CONSUMER.MSG.NEXT.WORK_SCORE.score_ten1": {"scoring_worker"},
    "$JS.API.CONSUMER.DELETE.WORK_FLOW.flow_ten1": {"orchestrator"},
    "$JS.API.CONSUMER.LIST.EVENTS": {"reporting"},
    "$JS.ACK.WORK_TURN.turn_ten1.1.1.1.1.0": {"sim_worker"},
    "$JS.ACK.WORK_SCORE.score_ten1.1.1.1.1.0": {"scoring_worker"},
}
MAY_SUBSCRIBE = {
    ">": set(),
    "jobs.turn.*": set(),
    "live.>": {"api"},
    "wake.>": {"orchestrator"},
    "wake.turn.*": {"orchestrator", "sim_worker"},
    "wake.batch.*": {"orchestrator", "sim_worker"},
    "wake.score.*": {"orchestrator", "scoring_worker"},
    "wake.events": {"orchestrator", "reporting"},
    "evt.>": {"reporting"},
    "report.>": {"reporting"},
    "judge.>": {"scoring_worker"},
    "_INBOX.>": set(),
    "$JS.>": set(),
    **{f"_INBOX_{name}.>": {name} for name in SERVICES},
}

LAST = "nobody.may"
"""Tried last: once it is refused, every refusal before it has been heard of too."""

Connect = Callable[[str], Awaitable[tuple[Client, list[str]]]]


@pytest.fixture
async def connect(devstack: Stack) -> AsyncIterator[Connect]:
    """Opens clients the way services do; refusals are collected in the list."""
    clients: list[Client] = []

    async def open_client(user: str) -> tuple[Client, list[str]]:
        refusals: list[str] = []

        async def on_error(error: Exception) -> None:
            refusals.append(str(error))

        client = await nats.connect(
            devstack.nats_url_for(user), inbox_prefix=f"_INBOX_{user}", error_cb=on_error
        )
        clients.append(client)
        return client, refusals

    yield open_client
    for client in clients:
        await client.close()


def refused(verb: str, subject: str, refusals: list[str]) -> bool:
    return any(f'violation for {verb} to "{subject}"'.lower() in line.lower() for line in refusals)


@pytest.mark.parametrize("user", SERVICES)
async def test_publish_matrix(user: str, connect: Connect) -> None:
    client, refusals = await connect(user)
    for subject in MAY_PUBLISH:
        await client.publish(subject, b"{}")
    await client.publish(LAST, b"{}")
    await eventually(lambda: refused("publish", LAST, refusals))
    allowed = {one for one in MAY_PUBLISH if not refused("publish", one, refusals)}
    assert allowed == {subject for subject, users in MAY_PUBLISH.items() if user in users}


@pytest.mark.parametrize("user", SERVICES)
async def test_subscribe_matrix(user: str, connect: Connect) -> None:
    client, refusals = await connect(user)
    for subject in MAY_SUBSCRIBE:
        await client.subscribe(subject)
        await client.subscribe(subject, queue="group")
    await client.subscribe(LAST)
    await eventually(lambda: refused("subscription", LAST, refusals))
    allowed = {one for one in MAY_SUBSCRIBE if not refused("subscription", one, refusals)}
    assert allowed == {subject for subject, users in MAY_SUBSCRIBE.items() if user in users}


async def test_a_job_travels_from_api_to_worker(connect: Connect) -> None:
    orchestrator, _ = await connect("orchestrator")
    api, _ = await connect("api")
    worker, refusals = await connect("sim_worker")
    await orchestrator.jetstream().add_stream(
        name="WORK_TURN", subjects=["jobs.turn.*"], retention=RetentionPolicy.WORK_QUEUE
    )
    stored = await api.jetstream().publish("jobs.turn.ten1", b"job", headers={"Nats-Msg-Id": "j:1"})
    assert (stored.stream, stored.duplicate) == ("WORK_TURN", None)
    jobs = await worker.jetstream().pull_subscribe(
        "jobs.turn.ten1",
        "turn_ten1",
        stream="WORK_TURN",
        config=ConsumerConfig(inactive_threshold=300.0),
    )
    (job,) = await jobs.fetch(1, timeout=10)
    await job.in_progress()
    await job.ack_sync()
    info = await worker.jetstream().stream_info("WORK_TURN", subjects_filter="jobs.turn.*")
    assert (job.data, info.state.messages) == (b"job", 0)
    assert refusals == []


async def test_a_missing_stream_is_made_again_by_its_worker(connect: Connect) -> None:
    worker, _ = await connect("scoring_worker")
    stream = worker.jetstream()
    await stream.add_stream(
        name="WORK_SCORE", subjects=["jobs.score.*"], retention=RetentionPolicy.WORK_QUEUE
    )
    assert await stream.find_stream_name_by_subject("jobs.score.*") == "WORK_SCORE"


async def test_reporting_answers_the_api_and_nobody_else_may_ask(connect: Connect) -> None:
    api, _ = await connect("api")
    reporting, _ = await connect("reporting")
    worker, refusals = await connect("sim_worker")
    requests = await reporting.subscribe("report.trend", queue="reporting")
    await reporting.flush()
    asked = asyncio.create_task(api.request("report.trend", b"?", timeout=10))
    await (await requests.next_msg(timeout=10)).respond(b"!")
    assert (await asked).data == b"!"
    with pytest.raises((TimeoutError, NoRespondersError, nats.errors.TimeoutError)):
        await worker.request("report.trend", b"?", timeout=0.3)
    assert refused("publish", "report.trend", refusals)
    assert requests.pending_msgs == 0


async def test_events_are_read_with_a_consumer(connect: Connect) -> None:
    orchestrator, _ = await connect("orchestrator")
    reporting, refusals = await connect("reporting")
    await orchestrator.jetstream().add_stream(name="EVENTS", subjects=["evt.>"])
    await orchestrator.jetstream().publish("evt.ten1.scoring.completed", b"e")
    events = await reporting.jetstream().pull_subscribe("evt.>", "reporting", stream="EVENTS")
    (event,) = await events.fetch(1, timeout=10)
    await event.ack_sync()
    ordered = await reporting.jetstream().subscribe("evt.>", ordered_consumer=True)
    assert (await ordered.next_msg(timeout=10)).data == b"e"
    await ordered.unsubscribe()
    assert refusals == []
