"""The whole process over real NATS: a question is answered or refused, and nobody is kept waiting."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.micro.request import Request

from services.reporting import repository
from services.reporting.desk import Desk, Question, QuestionError
from services.reporting.endpoint import QuestionEndpoint
from services.reporting.main import serve
from services.reporting.questions import QUESTIONS
from services.reporting.views.rollups import SQL
from shared.clock import SystemClock
from shared.config import Settings
from shared.contracts.events import EventHeader
from shared.contracts.questions import (
    ERROR_CODE_HEADER,
    ERROR_FIELD_HEADER,
    ERROR_HEADER,
    PATIENCE_HEADER,
)
from shared.contracts.reports.base import SERVICE_VERSION
from shared.contracts.reports.trend import TrendQuery, TrendReply
from shared.contracts.subjects import event_subject, report_subject
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.messaging.connect import connect as connect_nats
from tests.integration.reporting.reporting_team import (
    MONDAY,
    WEDNESDAY,
    Team,
    a_team,
    ask,
    everybody_scores,
    trend,
)
from tests.integration.reporting.reporting_world import World
from tests.support.databases import Databases
from tests.support.waiting import eventually

NOBODY = Team(UUID(int=1), UUID(int=2), ())
SIX_SCORES = (61, 61, 61, 61, 61, 61)


@pytest.fixture(scope="module")
async def running(reporting_settings: Settings) -> AsyncIterator[None]:
    stop, ready = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(serve(reporting_settings, stop=stop, ready=ready.set))
    async with asyncio.timeout(10):
        await ready.wait()
    yield
    stop.set()
    async with asyncio.timeout(10):
        await task


@pytest.fixture(scope="module")
async def api(databases: Databases, database_url: str) -> AsyncIterator[Client]:
    client = await connect_nats(databases.settings(database_url, "api"), "api")
    yield client
    await client.close()


@pytest.fixture(scope="module")
async def relay(databases: Databases, database_url: str) -> AsyncIterator[Client]:
    client = await connect_nats(databases.settings(database_url, "orchestrator"), "orchestrator")
    yield client
    await client.close()


@pytest.fixture
async def team(world: World) -> Team:
    return await a_team(world)


async def test_a_trend_reads_one_team_s_part_of_the_index(database: Database, team: Team):
    async with tenant_tx(database, team.tenant_id) as connection:
        await connection.execute(
            "set local enable_seqscan = off; set local enable_bitmapscan = off"
        )
        rows = await connection.fetch(
            "explain " + SQL["team_rollups"], team.tenant_id, team.team_id, MONDAY, MONDAY
        )
    plan = " ".join(row[0] for row in rows)
    assert "using rollups_pkey" in plan
    condition = plan.split("Index Cond:")[1]
    assert all(column in condition for column in ("tenant_id", "team_id", "bucket"))


@pytest.mark.usefixtures("running")
class TestService:
    @pytest.mark.parametrize("news", ["scoring.completed", "scoring.revised"])
    async def test_from_event_to_answer(
        self, api: Client, relay: Client, world: World, team: Team, news: str
    ):
        scorings = await everybody_scores(world, team, WEDNESDAY, {"empathy": SIX_SCORES})
        header = EventHeader(
            tenant_id=team.tenant_id,
            event_id=scorings[-1],
            type=news,
            resource_id=scorings[-1],
            sequence=1,
            position=1,
        )
        subject = event_subject(team.tenant_id, header.type)
        await relay.publish(subject, msgspec.json.encode(header))

        async def is_answered() -> bool:
            points = (await trend(api, team.query())).points
            return [(point.skill, point.n, point.mean) for point in points] == [
                ("empathy", 6, 61.0)
            ]

        await eventually(
            is_answered, timeout_s=2
        )  # well below a sweep: the message woke the consumer

    @pytest.mark.parametrize("payload", [b"", b"{", b"\xff\xfe", b'{"team_id": 1}'])
    async def test_a_bad_question_is_refused(self, api: Client, payload: bytes):
        message = await ask(api, "trend", payload)
        assert message.data == b""
        assert message.headers is not None
        assert message.headers[ERROR_CODE_HEADER] == "400"
        assert message.headers[ERROR_HEADER] == "not such a question"

    @pytest.mark.parametrize(
        ("start", "end", "field"),
        [
            (date(2026, 9, 2), date(2026, 9, 1), "to"),
            (date(2000, 1, 1), date(2026, 9, 1), "from"),
            (date(2026, 9, 2), date(9999, 12, 31), "to"),
        ],
    )
    async def test_a_wrong_range_says_which_end(
        self, api: Client, team: Team, start: date, end: date, field: str
    ):
        message = await ask(api, "trend", team.query(start, end))
        assert message.headers is not None
        assert message.headers[ERROR_CODE_HEADER] == "400"
        assert message.headers[ERROR_FIELD_HEADER] == field

    async def test_many_at_once_are_all_answered(self, api: Client, team: Team):
        answers = await asyncio.gather(*(ask(api, "trend", team.query()) for _ in range(200)))
        codes = {(answer.headers or {}).get(ERROR_CODE_HEADER, "200") for answer in answers}
        assert len(answers) == 200
        assert codes <= {"200", "503"}

    async def test_an_unreadable_event_does_not_stop_the_process(
        self, api: Client, relay: Client, team: Team
    ):
        await relay.publish(event_subject(team.tenant_id, "scoring.completed"), b"\xff")
        await relay.flush()
        assert (await trend(api, team.query())).points == ()

    async def test_while_all_is_counted_anew_nothing_is_said(
        self, api: Client, database: Database, world: World, team: Team
    ):
        # Another process holds the position, so that the mark stays.
        async with tenant_tx(database, team.tenant_id) as connection:
            await repository.lock_position(connection, team.tenant_id)
            await world.connection.execute(
                "insert into report_marks (tenant_id, kind) values ($1, 'tenant')", team.tenant_id
            )
            message = await ask(api, "trend", team.query())
        assert message.headers is not None
        assert message.headers[ERROR_CODE_HEADER] == "503"

        async def is_answered() -> bool:
            return (await ask(api, "trend", team.query())).headers is None

        await eventually(is_answered, timeout_s=10)

    async def test_the_service_says_what_it_answers(self, nats: Client, team: Team, api: Client):
        await trend(api, team.query())
        info = msgspec.json.decode((await nats.request("$SRV.INFO.reporting", timeout=5)).data)
        assert info["version"] == SERVICE_VERSION
        subjects = {endpoint["subject"] for endpoint in info["endpoints"]}
        assert subjects >= {report_subject(each.name) for each in QUESTIONS}

        async def has_counted() -> bool:
            raw = (await nats.request("$SRV.STATS.reporting", timeout=5)).data
            stats = {one["name"]: one["data"] for one in msgspec.json.decode(raw)["endpoints"]}
            return stats["trend"].get("answered", 0) >= 1 and stats["trend"]["behind"] >= 0

        await eventually(has_counted, timeout_s=10)


async def directly(
    nats: Client, database: Database, payload: bytes, *questions: Question, **limits: Any
) -> Msg:
    """Ask without NATS between: the running process of the same queue group might answer."""
    endpoint = QuestionEndpoint(nats, Desk(database, SystemClock()), questions, **limits)
    inbox = nats.new_inbox()
    replies = await nats.subscribe(inbox)
    name = questions[0].name
    message = Msg(nats, subject=report_subject(name), reply=inbox, data=payload)
    await endpoint.receive(Request(message))
    answer = await replies.next_msg(timeout=5)
    await endpoint.close()
    return answer


async def refuse(_desk: Desk, _query: TrendQuery) -> TrendReply:
    raise QuestionError("too long", "from")


async def fail(_desk: Desk, _query: TrendQuery) -> TrendReply:
    raise KeyError("secret detail")


async def tell_too_much(_desk: Desk, _query: TrendQuery) -> TrendReply:
    return TrendReply(points=(), headline="x" * 3_000_000)


async def dawdle(_desk: Desk, _query: TrendQuery) -> TrendReply:
    await asyncio.Event().wait()
    raise AssertionError("nobody wakes it")


@pytest.mark.parametrize(
    ("question", "limits", "code"),
    [
        (Question("q", TrendQuery, refuse), {}, "400"),
        (Question("q", TrendQuery, tell_too_much), {}, "400"),
        (Question("q", TrendQuery, fail), {}, "500"),
        (Question("q", TrendQuery, dawdle, deadline_s=0.01), {}, "503"),
        (Question("q", TrendQuery, dawdle), {"in_flight": 0}, "503"),
        (Question("q", TrendQuery, dawdle, in_flight=0), {}, "503"),
    ],
    ids=["wrong", "too-big", "bug", "late", "crowded", "crowded-with-its-kind"],
)
async def test_what_is_not_answered_is_refused(
    database: Database, nats: Client, question: Question, limits: dict[str, Any], code: str
):
    payload = msgspec.json.encode(NOBODY.query())
    message = await directly(nats, database, payload, question, **limits)
    assert message.data == b""
    assert message.headers is not None
    assert message.headers[ERROR_CODE_HEADER] == code
    assert "secret" not in message.headers[ERROR_HEADER]
    assert message.headers.get(ERROR_FIELD_HEADER) == ("from" if code == "400" else None)


async def test_who_asks_says_how_long_it_waits(database: Database, nats: Client):
    payload = msgspec.json.encode(NOBODY.query())
    endpoint = QuestionEndpoint(
        nats, Desk(database, SystemClock()), (Question("q", TrendQuery, dawdle),)
    )
    inbox = nats.new_inbox()
    replies = await nats.subscribe(inbox)
    headers = {PATIENCE_HEADER: "5"}
    message = Msg(nats, subject="report.q", reply=inbox, data=payload, headers=headers)
    await endpoint.receive(Request(message))
    answer = await replies.next_msg(timeout=2)  # far below the 5 s of the question itself
    assert answer.headers is not None
    assert answer.headers[ERROR_CODE_HEADER] == "503"
    await endpoint.close()
