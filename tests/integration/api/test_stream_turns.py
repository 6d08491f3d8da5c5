"""A turn as a stream, against real PostgreSQL and NATS. [R-A13]"""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar import Litestar
from nats.aio.client import Client

from services.api.app import create_app
from services.api.context import ProcessContext
from services.api.simulations import stream_feed
from shared.contracts.jobs import JobMessage, TurnJob, decode_payload
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from tests.integration.api.conftest import Partner
from tests.integration.api.stream_world import (
    StreamWorker,
    events_of,
    plain,
    problem,
    speak,
    until,
)
from tests.support.sse_client import SseReader
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def app(context: ProcessContext) -> Litestar:
    settings = msgspec.structs.replace(context.settings, stream_heartbeat_s=0.1, turn_wait_s=5.0)
    return create_app(
        ProcessContext(
            settings=settings,
            database=context.database,
            keys=context.keys,
            nats=context.nats,
            publisher=context.publisher,
        )
    )


@pytest.fixture
async def worker(
    database: Database, keys: KeyRing, nats: Client, context: ProcessContext
) -> AsyncIterator[StreamWorker]:
    one = StreamWorker(database, keys, nats)
    subscription = await one.start()
    yield one
    await subscription.unsubscribe()


async def test_a_turn_streams_from_the_learners_words_to_done(
    app: Litestar, partner: Partner, worker: StreamWorker
) -> None:
    simulation = await partner.simulation()
    worker.tries = [["Well. ", "No."]]

    answer = await speak(app, partner, simulation["id"], 0)
    reader = SseReader()
    events = await events_of(answer, reader)

    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert "request-id" in answer.headers
    assert reader.retry_ms == 1000
    names = ["turn.started", "turn.delta", "turn.delta", "turn.completed", "done"]
    assert [event.name for event in events] == names
    assert [event.event_id for event in events] == [None, None, None, "2", None]
    assert events[0].data["learner_turn"]["text"] == "I am sorry about that."
    assert events[1].data == {"seq": 2, "attempt": 1, "index": 0, "text": "Well. "}
    assert events[2].data == {"seq": 2, "attempt": 1, "index": 1, "text": "No."}
    stored = await partner.get(f"/v1/simulations/{simulation['id']}/turns?after_seq=0")
    completed = events[3].data
    assert [completed["learner_turn"], completed["reply"]] == stored.json()["data"]
    assert completed["simulation"] == {"status": "open", "end_reason": None, "last_seq": 2}


async def test_a_new_try_resets_the_pieces_of_the_one_before(
    app: Litestar, partner: Partner, worker: StreamWorker
) -> None:
    simulation = await partner.simulation()
    worker.tries = [["Wel"], ["No. "]]

    events = await events_of(await speak(app, partner, simulation["id"], 0))

    told = [(event.name, event.data.get("text")) for event in events[1:4]]
    assert told == [("turn.delta", "Wel"), ("turn.reset", None), ("turn.delta", "No. ")]
    assert events[2].data == {"seq": 2, "attempt": 2}


async def test_a_reply_that_ends_the_conversation_says_so(
    app: Litestar, partner: Partner, worker: StreamWorker
) -> None:
    simulation = await partner.simulation()
    worker.ends = True

    events = await events_of(await speak(app, partner, simulation["id"], 0))

    assert [event.name for event in events][1:] == ["turn.completed", "simulation.ended", "done"]
    assert events[1].data["simulation"]["status"] == "ended"
    assert events[2].data["end_reason"] == "customer_left"
    assert [events[1].event_id, events[2].event_id] == ["2", "3"]


async def test_a_repeat_gets_the_same_turn_again(
    app: Litestar, partner: Partner, worker: StreamWorker
) -> None:
    simulation = await partner.simulation()
    first = await events_of(await speak(app, partner, simulation["id"], 0, key="again"))

    answer = await speak(app, partner, simulation["id"], 0, key="again")
    second = await events_of(answer)

    assert answer.headers["idempotent-replayed"] == "true"
    assert second == first


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(cuts=st.lists(st.integers(0, 1500), max_size=4))
async def test_any_cuts_end_in_the_stored_turn(
    app: Litestar, partner: Partner, worker: StreamWorker, cuts: list[int]
) -> None:
    simulation = (await partner.simulation())["id"]
    worker.tries = [["prov"], ["provi", "sional"]]
    text, durable, reader = "", [], SseReader()
    for cut in [*cuts, None]:
        answer = await speak(app, partner, simulation, 0, key=f"cut {simulation}")
        left = cut
        async for chunk in answer.chunks():
            for event in reader.feed(chunk if left is None else chunk[:left]):
                if event.name == "turn.delta":
                    text += event.data["text"]
                elif event.name == "turn.completed":
                    text = event.data["reply"]["text"]
                    durable.append(event.event_id)
            left = None if left is None else left - len(chunk)
            if left is not None and left <= 0:
                break
        reader.cut()
        await answer.leave()

    stored = (await partner.get(f"/v1/simulations/{simulation}/turns")).json()["data"]
    assert text == stored[2]["text"] == "reply 2"
    assert set(durable) == {"2"}
    assert [turn["seq"] for turn in stored] == [0, 1, 2]


async def test_a_reply_stored_between_two_looks_is_not_followed_by_its_pieces(
    app: Litestar, partner: Partner, worker: StreamWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulation = (await partner.simulation())["id"]
    worker.tries = [["prov"], ["provi", "sional"]]
    worker.go_on.clear()
    look = stream_feed.get_head

    async def is_stored() -> bool:
        turns = (await partner.get(f"/v1/simulations/{simulation}/turns")).json()["data"]
        return len(turns) == 3

    async def late_look(*given: Any) -> Any:
        head = await look(*given)
        if head.last_seq == 1 and not worker.go_on.is_set():
            worker.go_on.set()
            await eventually(is_stored)
        return head

    monkeypatch.setattr(stream_feed, "get_head", late_look)
    answer = await speak(app, partner, simulation, 0)
    told = await until(answer, "done")

    names = [event.name for event in told]
    assert names.index("turn.started") < names.index("turn.completed")
    assert "turn.delta" not in names[names.index("turn.completed") :]
    (completed,) = (event.data for event in told if event.name == "turn.completed")
    assert completed["simulation"]["last_seq"] == 2


async def test_refusals_are_ordinary_problems(
    app: Litestar, partner: Partner, worker: StreamWorker
) -> None:
    simulation = await partner.simulation()
    for seq, status, code in ((7, 409, "turn-out-of-order"), (-1, 400, "validation-failed")):
        answer = await speak(app, partner, simulation["id"], seq)
        assert answer.status == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert (await problem(answer))["code"] == code


async def test_the_reply_is_made_when_the_client_leaves(
    app: Litestar, partner: Partner, worker: StreamWorker
) -> None:
    simulation = await partner.simulation()
    worker.delay_s = 0.3

    answer = await speak(app, partner, simulation["id"], 0)
    await until(answer, "turn.started")
    await answer.leave()

    async def is_answered() -> bool:
        turns = await partner.get(f"/v1/simulations/{simulation['id']}/turns")
        return [turn["seq"] for turn in turns.json()["data"]] == [0, 1, 2]

    await eventually(is_answered)


async def test_lost_news_costs_a_second_not_the_turn(
    app: Litestar, partner: Partner, worker: StreamWorker
) -> None:
    simulation = await partner.simulation()
    worker.is_mute = True
    reader = SseReader()

    events = await events_of(await speak(app, partner, simulation["id"], 0), reader)

    assert [event.name for event in events] == ["turn.started", "turn.completed", "done"]


async def test_a_late_reply_ends_the_stream_with_a_problem_and_a_repeat_finds_it(
    app: Litestar, partner: Partner, worker: StreamWorker, database: Database
) -> None:
    simulation = await partner.simulation()
    worker.is_deaf = True
    reader = SseReader()

    events = await events_of(await speak(app, partner, simulation["id"], 0, "late"), reader)

    assert [event.name for event in events] == ["turn.started", "error"]
    assert events[1].data["code"] == "temporary-reduced-capacity"
    assert events[1].data["retryable"] is True
    assert reader.comments >= 3
    tenant_id = partner.tenant.tenant_id
    async with tenant_tx(database, tenant_id) as connection:
        await connection.execute("delete from jobs where tenant_id = $1", tenant_id)
        await worker.write_reply(connection, tenant_id, plain(simulation["id"]), 2)
    again = await events_of(await speak(app, partner, simulation["id"], 0, "late"))
    assert [event.name for event in again] == ["turn.started", "turn.completed", "done"]


async def test_pieces_are_ordered_by_those_who_read_along_only(
    app: Litestar, partner: Partner, worker: StreamWorker, nats: Client, database: Database
) -> None:
    worker.is_deaf = True
    ordered: list[JobMessage] = []

    async def take(message: Any) -> None:
        ordered.append(msgspec.json.decode(message.data, type=JobMessage))

    subscription = await nats.subscribe("jobs.turn.*", cb=take)
    simulations = [await partner.simulation(), await partner.simulation()]
    answer = await speak(app, partner, simulations[0]["id"], 0)
    await answer.leave()
    await partner.say(simulations[1]["id"], 0)
    await eventually(lambda: len(ordered) == 2)
    await subscription.unsubscribe()

    tenant_id = partner.tenant.tenant_id
    async with tenant_tx(database, tenant_id) as connection:
        rows = await connection.fetch(
            "select job_id, payload from jobs where tenant_id = $1", tenant_id
        )
    jobs = {row["job_id"]: decode_payload(row["payload"]) for row in rows}
    wanted = [jobs[message.job_id] for message in ordered]
    assert all(isinstance(job, TurnJob) for job in wanted)
    assert [job.streamed for job in wanted if isinstance(job, TurnJob)] == [True, False]
