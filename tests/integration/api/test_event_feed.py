"""The feed of events over HTTP: by position, without gaps, and only what a key may see."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from services.orchestrator.repository import place_events
from shared.clock import SystemClock
from shared.contracts.event_catalog import CATALOG
from shared.contracts.events import EventType
from shared.db.pool import Database
from shared.db.tx import system_tx, tenant_tx
from shared.ids import format_id, parse_id
from tests.integration.api.conftest import IDS, KeyMaker, Partner
from tests.integration.api.test_intake_api import conversation
from tests.support.tenants import TenantFactory


class Feed:
    """A fresh tenant whose events are written by hand."""

    def __init__(self, partner: Partner, database: Database) -> None:
        self.partner = partner
        self.tenant_id = partner.tenant.tenant_id
        self._database = database

    async def emit(
        self,
        event_type: EventType | str = EventType.TURN_COMPLETED,
        resource_id: UUID | None = None,
        *,
        count: int = 1,
        days_ago: float = 0,
    ) -> UUID:
        resource_id = resource_id or IDS.new()
        at = SystemClock().now() - timedelta(days=days_ago)
        known = isinstance(event_type, EventType)
        facts = msgspec.json.encode(CATALOG[event_type].example if known else {}).decode()
        async with tenant_tx(self._database, self.tenant_id) as connection:
            for _ in range(count):
                await connection.execute(
                    "insert into events"
                    " (tenant_id, event_id, type, resource_id, sequence, data, occurred_at)"
                    " select $1, $2, $3, $4, coalesce(max(sequence), 0) + 1, $5, $6"
                    " from events where tenant_id = $1 and resource_id = $4",
                    self.tenant_id,
                    IDS.new(),
                    str(event_type),
                    resource_id,
                    facts,
                    at,
                )
        return resource_id

    async def place(self) -> None:
        async with system_tx(self._database) as connection:
            await place_events(connection)

    async def read(self, partner: Partner | None = None, **query: Any) -> dict[str, Any]:
        response = await (partner or self.partner).get("/v1/events", params=query)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer


@pytest.fixture
async def feed(http: httpx.AsyncClient, tenants: TenantFactory, database: Database) -> Feed:
    return Feed(Partner(http, await tenants.new()), database)


def positions(answer: dict[str, Any]) -> list[int]:
    return [event["position"] for event in answer["data"]]


class TestByPosition:
    async def test_an_empty_tenant(self, feed: Feed) -> None:
        assert await feed.read() == {"data": [], "next_after": 0, "has_more": False, "skipped": 0}

    async def test_pages_follow_each_other_without_gaps(self, feed: Feed) -> None:
        for _ in range(3):
            await feed.emit(count=3)
        await feed.place()
        seen: list[int] = []
        after, has_more = 0, True
        while has_more:
            page = await feed.read(after=after, limit=4)
            seen += positions(page)
            after, has_more = page["next_after"], page["has_more"]

        assert seen == list(range(1, 10))
        assert (await feed.read(after=after))["data"] == []
        assert (await feed.read(after=after))["next_after"] == 9

    async def test_what_is_not_placed_is_not_shown(self, feed: Feed) -> None:
        await feed.emit()
        assert (await feed.read())["data"] == []
        await feed.place()
        assert positions(await feed.read()) == [1]

    async def test_types_of_a_newer_release_are_left_out_and_passed(self, feed: Feed) -> None:
        simulation = await feed.emit()
        await feed.emit("simulation.paused", simulation)
        await feed.emit(resource_id=simulation)
        await feed.place()
        whole = await feed.read(limit=2)
        assert (positions(whole), whole["next_after"], whole["has_more"]) == ([1, 3], 3, False)
        first = await feed.read(limit=1)
        assert positions(await feed.read(after=first["next_after"])) == [3]
        of_one = await feed.read(resource_id=format_id("sim", simulation))
        assert positions(of_one) == [1, 3]

    async def test_an_event_in_full(self, feed: Feed) -> None:
        scoring = await feed.emit(EventType.SCORING_COMPLETED)
        await feed.place()

        (event,) = (await feed.read())["data"]

        assert event["type"] == "scoring.completed"
        assert event["id"].startswith("evt_")
        assert (event["sequence"], event["position"]) == (1, 1)
        assert datetime.fromisoformat(event["timestamp"]).utcoffset() == timedelta(0)
        assert event["data"]["id"] == format_id("scr", scoring)
        assert event["data"]["url"] == f"/v1/scorings/{format_id('scr', scoring)}"
        assert event["data"]["assessment_id"].startswith("asm_")

    async def test_waiting_for_what_comes_next(self, feed: Feed) -> None:
        await feed.emit()
        await feed.place()
        waiting = asyncio.create_task(
            feed.partner.http.get(
                "/v1/events",
                params={"after": 1},
                headers=feed.partner.headers | {"Prefer": "wait=15"},
            )
        )
        await feed.emit()
        await feed.place()

        response = await waiting

        assert positions(response.json()) == [2]
        assert response.headers["preference-applied"] == "wait=15"

    async def test_another_tenants_events_are_not_here(self, feed: Feed, stranger: Partner) -> None:
        await feed.emit()
        await feed.place()
        assert (await feed.read(stranger))["data"] == []


class TestAge:
    async def test_what_is_older_than_30_days_is_skipped_and_said(self, feed: Feed) -> None:
        await feed.emit(count=5, days_ago=31)
        await feed.emit(count=3, days_ago=29)
        await feed.place()

        answer = await feed.read()

        assert positions(answer) == [6, 7, 8]
        assert answer["skipped"] == 5
        assert (await feed.read(after=2))["skipped"] == 3
        assert (await feed.read(after=5))["skipped"] == 0

    async def test_a_feed_of_old_events_only_is_at_its_end(self, feed: Feed) -> None:
        await feed.emit(count=2, days_ago=40)
        await feed.place()
        assert await feed.read() == {"data": [], "next_after": 2, "has_more": False, "skipped": 2}


class TestFilters:
    async def test_by_type(self, feed: Feed) -> None:
        await feed.emit(EventType.TURN_COMPLETED, count=2)
        await feed.emit(EventType.SIMULATION_ENDED)
        await feed.emit(EventType.TURN_COMPLETED)
        await feed.place()

        answer = await feed.read(type="simulation.ended")

        assert positions(answer) == [3]
        assert answer["next_after"] == 4

    async def test_by_resource(self, feed: Feed) -> None:
        await feed.emit(count=2)
        mine = await feed.emit(count=2)
        await feed.emit(EventType.SIMULATION_ENDED)
        await feed.place()
        await feed.emit(EventType.SIMULATION_ENDED, mine)
        await feed.place()
        resource = format_id("sim", mine)

        first = await feed.read(resource_id=resource, limit=2)
        rest = await feed.read(resource_id=resource, after=first["next_after"])
        ended = await feed.read(resource_id=resource, type="simulation.ended")

        assert (positions(first), first["next_after"], first["has_more"]) == ([3, 4], 4, True)
        assert (positions(rest), rest["next_after"], rest["has_more"]) == ([6], 6, False)
        assert positions(ended) == [6]

    async def test_a_simulation_and_its_scoring_are_two_resources(self, feed: Feed) -> None:
        both = await feed.emit(EventType.SIMULATION_ENDED)
        await feed.emit(EventType.SCORING_COMPLETED, both)
        await feed.place()
        assert positions(await feed.read(resource_id=format_id("sim", both))) == [1]
        assert positions(await feed.read(resource_id=format_id("scr", both))) == [2]

    async def test_sparse_matches_are_found_in_bounded_steps(
        self, feed: Feed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("services.api.events.service.SCANNED", 3)
        await feed.emit(count=7)
        await feed.emit(EventType.SIMULATION_ENDED)
        await feed.place()
        steps: list[Sequence[int]] = []
        after, has_more = 0, True
        while has_more:
            page = await feed.read(type="simulation.ended", after=after)
            steps.append((*positions(page), page["next_after"]))
            after, has_more = page["next_after"], page["has_more"]

        assert steps == [(3,), (6,), (8, 8)]

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ({"after": "-1"}, "query:after"),
            ({"after": "x"}, "query:after"),
            ({"after": str(2**60)}, "query:after"),
            ({"limit": "0"}, "query:limit"),
            ({"type": "turn.eaten"}, "query:type"),
            ({"resource_id": "lrn_01k8qk5vgtf1k8h2w5wq1r9d3m"}, "query:resource_id"),
            ({"cursor": "a"}, "query:cursor"),
        ],
    )
    async def test_what_is_wrong_is_named(
        self, feed: Feed, query: dict[str, str], pointer: str
    ) -> None:
        response = await feed.partner.get("/v1/events", params=query)
        assert response.status_code == 400
        assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


class TestBoundKeys:
    """A key bound to people sees what is about them; its positions have gaps and still move."""

    @pytest.fixture
    async def worlds(self, feed: Feed) -> dict[str, str]:
        team, other = await feed.partner.team(), await feed.partner.team()
        mine = await feed.partner.learner(memberships=[{"team_id": team, "from": "2026-01-01"}])
        theirs = await feed.partner.learner(memberships=[{"team_id": other, "from": "2026-01-01"}])
        past = await feed.partner.learner(
            memberships=[{"team_id": team, "from": "2026-01-01", "to": "2026-02-01"}]
        )
        for learner in (mine, theirs, past, mine):
            await feed.partner.simulation(learner)
        await feed.emit(EventType.ENDPOINT_DISABLED)
        await feed.place()
        return {"team": team, "mine": mine, "theirs": theirs}

    async def test_a_team_key(
        self, feed: Feed, worlds: dict[str, str], key_maker: KeyMaker
    ) -> None:
        everything = await feed.read()
        key = await key_maker.new(
            feed.tenant_id, scopes=["events:read"], team_ids=[parse_id("team", worlds["team"])]
        )

        bound = await feed.read(feed.partner.as_key(key))

        assert len(everything["data"]) == 5
        assert len(bound["data"]) == 2
        assert [each for each in everything["data"] if each in bound["data"]] == bound["data"]
        assert bound["next_after"] == everything["next_after"] == 5

    async def test_a_learner_key(
        self, feed: Feed, worlds: dict[str, str], key_maker: KeyMaker
    ) -> None:
        key = await key_maker.new(
            feed.tenant_id, scopes=["events:read"], learner_id=parse_id("lrn", worlds["theirs"])
        )

        bound = await feed.read(feed.partner.as_key(key))
        (event,) = bound["data"]
        of_others = next(
            each["data"]["id"]
            for each in (await feed.read())["data"]
            if each["type"] == "simulation.started" and each["id"] != event["id"]
        )

        assert bound["next_after"] == 5
        hidden = await feed.read(feed.partner.as_key(key), resource_id=of_others)
        assert hidden["data"] == []

    async def test_long_work_is_seen_by_whoever_may_see_all_of_it(
        self, feed: Feed, worlds: dict[str, str], key_maker: KeyMaker
    ) -> None:
        """The same operations as `GET /v1/operations` lists."""
        mine, theirs = worlds["mine"], worlds["theirs"]
        for learner in (mine, theirs):
            played = await feed.partner.post(
                "/v1/simulation_batches",
                {"learner_id": learner, "scenarios": [await feed.partner.scenario()]}
                | {"profiles": ["skilled"]},
            )
            assert played.status_code == 202, played.text
        for learners in ((mine, mine), (mine, theirs)):
            items = [{"learner_id": each, "conversation": conversation()} for each in learners]
            handed_in = await feed.partner.post("/v1/scoring_batches", {"conversations": items})
            assert handed_in.status_code == 202, handed_in.text
        operations = (await feed.partner.get("/v1/operations")).json()["data"]
        assert len(operations) == 4
        for operation in operations:
            await feed.emit(EventType.OPERATION_ENDED, parse_id("op", operation["id"]))
        await feed.place()
        text = await key_maker.new(
            feed.tenant_id,
            scopes=["events:read", "simulations:read"],
            team_ids=[parse_id("team", worlds["team"])],
        )
        key = feed.partner.as_key(text)

        listed = (await key.get("/v1/operations")).json()["data"]
        told = await feed.read(key, type="operation.ended")

        assert len(listed) == 2
        assert {each["data"]["id"] for each in told["data"]} == {each["id"] for each in listed}
        assert len((await feed.read(type="operation.ended"))["data"]) == 4

    async def test_a_key_without_the_scope(self, feed: Feed, key_maker: KeyMaker) -> None:
        key = await key_maker.new(feed.tenant_id, scopes=["simulations:read"])
        response = await feed.partner.as_key(key).get("/v1/events")
        assert response.status_code == 403


class TestTypes:
    async def test_every_type_with_schema_and_example(self, feed: Feed) -> None:
        answer = (await feed.partner.get("/v1/event_types")).json()["data"]

        assert [each["type"] for each in answer] == [each.value for each in EventType]
        for each in answer:
            assert each["example"]["type"] == each["type"]
            assert each["json_schema"]["properties"]["type"] == {"const": each["type"]}
            assert each["description"]


async def test_the_feed_of_a_real_simulation_fits_its_schemas(feed: Feed, worker: object) -> None:
    simulation = await feed.partner.simulation()
    ended = await feed.partner.post(f"/v1/simulations/{simulation['id']}/end")
    assert ended.status_code == 200, ended.text
    await feed.place()

    events = (await feed.read(resource_id=simulation["id"]))["data"]

    assert [each["type"] for each in events] == ["simulation.started", "simulation.ended"]
    assert [each["sequence"] for each in events] == [1, 2]
    for each in events:
        data = msgspec.convert(each["data"], CATALOG[EventType(each["type"])].data)
        read = await feed.partner.get(data.url)
        assert read.status_code == 200
