"""The whole process over real NATS: an event comes in, a trend goes out, nobody is left waiting."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from services.reporting import questions, repository
from services.reporting.folding import fold_page
from services.reporting.main import serve
from services.reporting.questions import TrendEndpoint
from shared.config import Settings
from shared.contracts.events import EventHeader
from shared.contracts.reporting import (
    ERROR_CODE_HEADER,
    ERROR_HEADER,
    TrendPoint,
    TrendQuery,
    TrendReply,
)
from shared.contracts.subjects import REPORT_TREND, event_subject
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.messaging.connect import connect as connect_nats
from tests.integration.reporting.reporting_world import World
from tests.support.databases import Databases
from tests.support.waiting import eventually

WEDNESDAY = datetime(2026, 9, 30, 12, tzinfo=UTC)
MONDAY = date(2026, 9, 28)


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


class Team(msgspec.Struct, frozen=True):
    tenant_id: UUID
    team_id: UUID
    learner_id: UUID

    def query(self, start: date = MONDAY, end: date = MONDAY, **changes: object) -> TrendQuery:
        body = {
            "tenant_id": self.tenant_id,
            "team_id": self.team_id,
            "skill": None,
            "start": start,
            "end": end,
            "source": "all",
        }
        return msgspec.convert(body | changes, TrendQuery)


@pytest.fixture
async def team(world: World) -> Team:
    tenant_id = await world.tenant()
    team = Team(tenant_id, await world.team(tenant_id), await world.learner(tenant_id))
    await world.member(tenant_id, team.learner_id, team.team_id)
    return team


async def ask(client: Client, query: TrendQuery | bytes) -> Msg:
    payload = query if isinstance(query, bytes) else msgspec.json.encode(query)
    return await client.request(REPORT_TREND, payload, timeout=5)


async def points(client: Client, query: TrendQuery) -> tuple[TrendPoint, ...]:
    message = await ask(client, query)
    assert message.headers is None
    return msgspec.json.decode(message.data, type=TrendReply).points


async def test_a_trend_reads_one_team_s_part_of_the_index(database: Database, team: Team):
    async with tenant_tx(database, team.tenant_id) as connection:
        await connection.execute(
            "set local enable_seqscan = off; set local enable_bitmapscan = off"
        )
        rows = await connection.fetch(
            "explain " + repository._SQL["team_rollups"],
            team.tenant_id,
            team.team_id,
            None,
            ["call"],
            MONDAY,
            MONDAY,
        )
    plan = " ".join(row[0] for row in rows)
    assert "using rollups_pkey" in plan
    condition = plan.split("Index Cond:")[1]
    assert all(column in condition for column in ("tenant_id", "team_id", "source", "bucket"))


@pytest.mark.usefixtures("running")
class TestTrend:
    @pytest.mark.parametrize("news", ["scoring.completed", "scoring.revised"])
    async def test_from_event_to_answer(
        self, api: Client, relay: Client, world: World, team: Team, news: str
    ):
        scoring_id = await world.scoring(
            team.tenant_id, team.learner_id, WEDNESDAY, {"empathy": 61}
        )
        header = EventHeader(
            tenant_id=team.tenant_id,
            event_id=scoring_id,
            type=news,
            resource_id=scoring_id,
            sequence=1,
            position=1,
        )
        subject = event_subject(team.tenant_id, header.type)
        await relay.publish(subject, msgspec.json.encode(header))
        expected = TrendPoint(skill="empathy", week=MONDAY, n=1, mean=61.0, q1=61, median=61, q3=61)

        async def is_answered() -> bool:
            return await points(api, team.query()) == (expected,)

        await eventually(
            is_answered, timeout_s=2
        )  # well below a sweep: the message woke the consumer

    async def test_roots_hold_all_scores_of_their_skills(
        self, api: Client, database: Database, world: World, team: Team
    ):
        skills = {"relate.empathy": 80, "relate.patience": 40, "solve.path": 10}
        await world.scoring(team.tenant_id, team.learner_id, WEDNESDAY, skills)
        await fold_page(database, team.tenant_id)
        roots = await points(api, team.query(level="root"))
        assert [(point.skill, point.n, point.mean) for point in roots] == [
            ("relate", 2, 60.0),
            ("solve", 1, 10.0),
        ]
        one = await points(api, team.query(level="root", skill="solve"))
        assert [point.skill for point in one] == ["solve"]

    async def test_sources_skills_and_whole_weeks(
        self, api: Client, database: Database, world: World, team: Team
    ):
        scored = [
            (0, "call", 10), (1, "chat", 20), (3, "email", 40), (4, "simulation", 90),
            (-3, "call", 1), (5, "call", 2),
        ]  # fmt: skip
        for days, source, score in scored:
            at = WEDNESDAY + timedelta(days=days)
            skills = {"empathy": score, "clarity": 100 - score}
            await world.scoring(team.tenant_id, team.learner_id, at, skills, source)
        await fold_page(database, team.tenant_id)
        thursday = date(2026, 10, 1)
        day = team.query(thursday, thursday, skill="empathy", source="call")
        assert await points(api, day) == (
            TrendPoint(skill="empathy", week=MONDAY, n=3, mean=23.3, q1=15, median=20, q3=30),
        )
        practice = await points(api, team.query(source="simulation"))
        assert [(point.skill, point.mean) for point in practice] == [
            ("clarity", 10.0),
            ("empathy", 90.0),
        ]
        everything = await points(api, team.query(date(2026, 9, 27), date(2026, 10, 5)))
        assert [(point.skill, point.week.day, point.n) for point in everything] == [
            (skill, week, n)
            for skill in ("clarity", "empathy")
            for week, n in ((21, 1), (28, 4), (5, 1))
        ]

    async def test_another_tenant_sees_nothing(
        self, api: Client, database: Database, world: World, team: Team
    ):
        await world.scoring(team.tenant_id, team.learner_id, WEDNESDAY, {"empathy": 61})
        await fold_page(database, team.tenant_id)
        stranger = await world.tenant()
        assert len(await points(api, team.query())) == 1
        assert await points(api, team.query(tenant_id=stranger)) == ()

    @pytest.mark.parametrize("payload", [b"", b"{", b"\xff\xfe", b'{"team_id": 1}'])
    async def test_a_bad_question_is_refused(self, api: Client, payload: bytes):
        message = await ask(api, payload)
        assert message.data == b""
        assert message.headers is not None
        assert message.headers[ERROR_CODE_HEADER] == "400"
        assert message.headers[ERROR_HEADER] == "not a trend query"

    async def test_many_at_once_are_all_answered(self, api: Client, team: Team):
        answers = await asyncio.gather(*(ask(api, team.query()) for _ in range(200)))
        codes = {(answer.headers or {}).get(ERROR_CODE_HEADER, "200") for answer in answers}
        assert len(answers) == 200
        assert codes <= {"200", "503"}

    async def test_an_unreadable_event_does_not_stop_the_process(
        self, api: Client, relay: Client, team: Team
    ):
        await relay.publish(event_subject(team.tenant_id, "scoring.completed"), b"\xff")
        await relay.flush()
        assert await points(api, team.query()) == ()

    async def test_a_bug_is_answered(
        self, api: Client, team: Team, monkeypatch: pytest.MonkeyPatch
    ):
        async def broken(*_: object) -> TrendReply:
            raise KeyError("secret detail")

        monkeypatch.setattr(questions, "team_trend", broken)
        message = await ask(api, team.query())
        assert message.headers is not None
        assert message.headers[ERROR_CODE_HEADER] == "500"
        assert "secret" not in message.headers[ERROR_HEADER]

    @pytest.mark.parametrize("limits", [{"deadline_s": 0.0}, {"in_flight": 0}])
    async def test_a_late_or_crowded_answer_is_a_refusal(
        self, database: Database, nats: Client, team: Team, limits: dict[str, Any]
    ):
        # Asked directly: over NATS the running process of the same queue group might answer.
        endpoint = TrendEndpoint(database, nats, **limits)
        inbox = nats.new_inbox()
        replies = await nats.subscribe(inbox)
        question = msgspec.json.encode(team.query())
        await endpoint._receive(Msg(nats, subject=REPORT_TREND, reply=inbox, data=question))
        message = await replies.next_msg(timeout=2)
        assert message.headers is not None
        assert message.headers[ERROR_CODE_HEADER] == "503"
        await endpoint.close()
