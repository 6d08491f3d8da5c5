"""The stream of a whole simulation: resumed by id, live for a coach, ended by erasure. [R-A13]"""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar import Litestar
from nats.aio.client import Client

from services.api.app import create_app
from services.api.context import ProcessContext
from shared.contracts.events import EventType
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import parse_id
from shared.keys import parse_key
from tests.integration.api.conftest import KeyMaker, Partner
from tests.integration.api.stream_world import (
    StreamWorker,
    end,
    event,
    events_of,
    follow,
    plain,
    problem,
    score,
    speak,
    until,
)
from tests.support.sse_client import SseEvent, SseReader


@pytest.fixture(scope="module")
def streaming(context: ProcessContext) -> ProcessContext:
    fast = msgspec.structs.replace(context.settings, stream_heartbeat_s=0.1)
    return ProcessContext(
        settings=fast,
        database=context.database,
        keys=context.keys,
        nats=context.nats,
        publisher=context.publisher,
    )


@pytest.fixture(scope="module")
def app(streaming: ProcessContext) -> Litestar:
    return create_app(streaming)


@pytest.fixture(scope="module")
async def worker(
    database: Database, keys: KeyRing, nats: Client, context: ProcessContext
) -> AsyncIterator[StreamWorker]:
    one = StreamWorker(database, keys, nats)
    one.tries = [["re", "ply"]]
    subscription = await one.start()
    yield one
    await subscription.unsubscribe()


async def finished(partner: Partner, database: Database, turns: int = 2) -> tuple[str, str]:
    """Return a scored simulation and its assessment."""
    simulation = (await partner.simulation())["id"]
    for seq in range(0, 2 * turns, 2):
        assert (await partner.say(simulation, seq)).status_code == 200
    async with tenant_tx(database, partner.tenant.tenant_id) as connection:
        tenant_id, simulation_id = partner.tenant.tenant_id, plain(simulation)
        await end(connection, tenant_id, simulation_id, "goal_met")
        assessment = await score(connection, tenant_id, simulation_id)
    return simulation, str(assessment)


@pytest.fixture(scope="module")
async def played(partner: Partner, worker: StreamWorker, database: Database) -> str:
    return (await finished(partner, database))[0]


async def test_a_finished_simulation_is_told_from_its_start_to_its_score(
    app: Litestar, partner: Partner, worker: StreamWorker, database: Database
) -> None:
    simulation, _ = await finished(partner, database)

    events = await events_of(await follow(app, partner, simulation))

    assert [(event.name, event.event_id) for event in events] == [
        ("simulation.started", "1"),
        ("turn.completed", "2"),
        ("turn.completed", "3"),
        ("simulation.ended", "4"),
        ("score.updated", "5"),
        ("done", None),
    ]
    stored = (await partner.get(f"/v1/simulations/{simulation}/turns")).json()["data"]
    told = [*events[0].data["turns"]]
    for each in events[1:3]:
        told += [each.data["learner_turn"], each.data["reply"]]
    assert told == stored
    assert events[3].data["end_reason"] == "goal_met"
    assert events[4].data["status"] == "completed"
    assert events[4].data["assessment_id"].startswith("asm_")
    assert events[4].data["revision"] == 1


@pytest.mark.parametrize("last", ["5", "6", "9"])
async def test_204_when_nothing_will_follow(
    app: Litestar, partner: Partner, worker: StreamWorker, database: Database, last: str
) -> None:
    simulation, _ = await finished(partner, database)

    answer = await follow(app, partner, simulation, last)

    assert answer.status == 204
    assert await answer.text() == b""


async def test_the_header_goes_before_the_address(
    app: Litestar, partner: Partner, worker: StreamWorker, database: Database
) -> None:
    simulation, _ = await finished(partner, database)

    by_query = await events_of(await follow(app, partner, simulation, None, "?after=3"))
    by_header = await events_of(await follow(app, partner, simulation, "4", "?after=1"))

    assert [each.event_id for each in by_query] == ["4", "5", None]
    assert [each.event_id for each in by_header] == ["5", None]


@pytest.mark.parametrize("last", ["", "x", "-1", "1.0", "01", "9" * 20])
async def test_an_id_that_is_not_ours_is_refused(
    app: Litestar, partner: Partner, worker: StreamWorker, database: Database, last: str
) -> None:
    simulation, _ = await finished(partner, database, turns=1)

    answer = await follow(app, partner, simulation, last)

    assert answer.status == 400
    assert (await problem(answer))["errors"][0]["pointer"] == "header:Last-Event-ID"


async def test_a_coach_sees_the_conversation_as_it_happens(
    app: Litestar,
    partner: Partner,
    worker: StreamWorker,
    key_maker: KeyMaker,
    database: Database,
) -> None:
    simulation = (await partner.simulation())["id"]
    tenant_id = partner.tenant.tenant_id
    coach = partner.as_key(await key_maker.new(tenant_id, scopes=["simulations:observe"]))
    reader = SseReader()
    watching = await follow(app, coach, simulation)
    await until(watching, "simulation.started", reader)

    worker.go_on.clear()
    spoken = await speak(app, partner, simulation, 0)
    seen = await until(watching, "turn.delta", reader)
    seen += await until(watching, "turn.delta", reader)
    worker.go_on.set()
    seen += await until(watching, "turn.completed", reader)
    await events_of(spoken)
    await partner.post(f"/v1/simulations/{simulation}/end")
    seen += await until(watching, "simulation.ended", reader)
    async with tenant_tx(database, tenant_id) as connection:
        await score(connection, tenant_id, plain(simulation))
    seen += await until(watching, "done", reader)

    assert [each.name for each in seen] == [
        "turn.started",
        "turn.delta",
        "turn.delta",
        "turn.completed",
        "simulation.ended",
        "score.updated",
        "done",
    ]
    assert "".join(each.data["text"] for each in seen[1:3]) == "reply"
    assert reader.last_event_id == "4"
    assert (await follow(app, coach, simulation, "4")).status == 204


async def test_a_later_revision_is_told_to_who_comes_back(
    app: Litestar, partner: Partner, worker: StreamWorker, database: Database
) -> None:
    simulation, assessment = await finished(partner, database)
    tenant_id = partner.tenant.tenant_id
    async with tenant_tx(database, tenant_id) as connection:
        for kind, facts in (
            (EventType.SCORING_ACKNOWLEDGED, {}),
            (EventType.SCORING_REVISED, {"revision": 2, "cause": "override"}),
        ):
            await event(
                connection, tenant_id, kind, plain(simulation), assessment_id=assessment, **facts
            )

    events = await events_of(await follow(app, partner, simulation, "5"))

    assert [(each.name, each.event_id) for each in events] == [
        ("score.updated", "7"),
        ("done", None),
    ]
    assert (events[0].data["revision"], events[0].data["cause"]) == (2, "override")


async def test_who_may_not_see_the_person_may_not_watch(
    app: Litestar,
    partner: Partner,
    stranger: Partner,
    worker: StreamWorker,
    key_maker: KeyMaker,
) -> None:
    team, other = await partner.team(), await partner.team()
    learner = await partner.learner(memberships=[{"team_id": team, "from": "2026-01-01"}])
    simulation = (await partner.simulation(learner))["id"]
    tenant_id = partner.tenant.tenant_id
    for team_id, status in ((team, 200), (other, 404)):
        key = await key_maker.new(
            tenant_id, scopes=["simulations:observe"], team_ids=[parse_id("team", team_id)]
        )
        answer = await follow(app, partner.as_key(key), simulation)
        assert answer.status == status
        await answer.leave()
    assert (await follow(app, stranger, simulation)).status == 404
    blind = await key_maker.new(tenant_id, scopes=["simulations:write"])
    assert (await follow(app, partner.as_key(blind), simulation)).status == 403


async def test_erasing_the_person_ends_the_stream(
    app: Litestar, partner: Partner, worker: StreamWorker, database: Database
) -> None:
    simulation = await partner.simulation()
    watching = await follow(app, partner, simulation["id"])
    await until(watching, "simulation.started")
    tenant_id = partner.tenant.tenant_id
    async with tenant_tx(database, tenant_id) as connection:
        await connection.execute(
            "delete from learner_keys k using simulations s where k.tenant_id = $1"
            " and s.simulation_id = $2 and k.learner_id = s.learner_id",
            tenant_id,
            plain(simulation["id"]),
        )

    rest = await events_of(watching)

    assert [(each.name, each.data["code"]) for each in rest] == [("error", "not-found")]
    assert (await follow(app, partner, simulation["id"])).status == 404


async def test_a_stream_ends_where_its_key_is_no_longer_good(
    app: Litestar,
    partner: Partner,
    worker: StreamWorker,
    key_maker: KeyMaker,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("services.api.auth.CACHE_S", 0.0)
    text = await key_maker.new(partner.tenant.tenant_id, scopes=["simulations:observe"])
    simulation = await partner.simulation()
    watching = await follow(app, partner.as_key(text), simulation["id"])
    await until(watching, "simulation.started")
    async with tenant_tx(database, partner.tenant.tenant_id) as connection:
        await connection.execute(
            "update api_keys set networks = '{203.0.113.0/24}' where tenant_id = $1 and key_id = $2",
            partner.tenant.tenant_id,
            parse_key(text).key_id,
        )

    async with asyncio.timeout(20):
        rest = await events_of(watching)

    assert [(each.name, each.data["code"]) for each in rest] == [("error", "address-not-allowed")]


async def test_a_process_that_stops_ends_its_streams_without_done(
    context: ProcessContext, partner: Partner, worker: StreamWorker
) -> None:
    stopping = ProcessContext(
        settings=context.settings,
        database=context.database,
        keys=context.keys,
        nats=context.nats,
        publisher=context.publisher,
    )
    simulation = await partner.simulation()
    watching = await follow(create_app(stopping), partner, simulation["id"])
    await until(watching, "simulation.started")

    stopping.stopping.set()

    assert await events_of(watching) == []


@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(cuts=st.lists(st.integers(0, 3000), max_size=6))
async def test_any_cuts_lose_and_double_nothing(
    app: Litestar, partner: Partner, played: str, cuts: list[int]
) -> None:
    simulation = played
    reader = SseReader()
    durable: list[SseEvent] = []
    for cut in [*cuts, None]:
        answer = await follow(app, partner, simulation, reader.last_event_id)
        if answer.status == 204:
            break
        left = cut
        async for chunk in answer.chunks():
            part = chunk if left is None else chunk[:left]
            durable += [each for each in reader.feed(part) if each.event_id]
            left = None if left is None else left - len(part)
            if left == 0:
                break
        reader.cut()
        await answer.leave()

    assert [each.event_id for each in durable] == ["1", "2", "3", "4", "5"]
    stored = (await partner.get(f"/v1/simulations/{simulation}/turns")).json()["data"]
    assert [each.data["reply"]["text"] for each in durable[1:3]] == [
        turn["text"] for turn in stored[2::2]
    ]
