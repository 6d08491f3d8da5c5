"""The log of deliveries over HTTP; a test, sending again, recovering a range."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.api.context import ProcessContext
from services.api.webhooks import recovery
from services.orchestrator.repository import place_events
from shared.clock import SystemClock
from shared.contracts.event_catalog import CATALOG
from shared.contracts.events import EventType
from shared.contracts.webhooks import WAKE_WEBHOOKS
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.tx import system_tx, tenant_tx
from shared.ids import parse_id
from shared.webhooks import sealing
from shared.webhooks.deliveries import list_subscribers, read_events, write_deliveries
from tests.integration.api.conftest import IDS, Partner
from tests.support.tenants import TenantFactory
from tests.support.waiting import eventually

URL = "https://hooks.example.com/in"
PATH = "/v1/webhook_endpoints"


class Desk:
    """A tenant with one endpoint, events written by hand, and a fan-out that is told when."""

    def __init__(self, partner: Partner, context: ProcessContext) -> None:
        self.partner = partner
        self.tenant_id = partner.tenant.tenant_id
        self.endpoint = ""
        self._database, self._keys = context.database, context.keys

    async def open(self, **fields: Any) -> str:
        response = await self.partner.post(PATH, {"url": URL, **fields})
        assert response.status_code == 201, response.text
        self.endpoint = response.json()["id"]
        return self.endpoint

    async def emit(
        self,
        count: int = 1,
        *,
        minutes_ago: float = 0,
        event_type: EventType = EventType.TURN_COMPLETED,
        resource_id: UUID | None = None,
    ) -> list[UUID]:
        """Write placed events of one resource; return their ids."""
        resource_id, made = resource_id or IDS.new(), [IDS.new() for _ in range(count)]
        at = SystemClock().now() - timedelta(minutes=minutes_ago)
        async with tenant_tx(self._database, self.tenant_id) as connection:
            await connection.executemany(
                "insert into events"
                " (tenant_id, event_id, type, resource_id, sequence, data, occurred_at)"
                " values ($1, $2, $3, $4, $5, $6, $7)",
                [
                    (
                        self.tenant_id,
                        event_id,
                        event_type.value,
                        resource_id,
                        number,
                        json.dumps(CATALOG[event_type].example),
                        at,
                    )
                    for number, event_id in enumerate(made, start=1)
                ],
            )
        async with system_tx(self._database) as connection:
            await place_events(connection)
        return made

    async def fan_out(self) -> None:
        """Write the deliveries that the orchestrator would."""
        async with tenant_tx(self._database, self.tenant_id) as connection:
            events = await read_events(connection, self.tenant_id, 0, 10_000)
            await write_deliveries(
                connection,
                self._keys,
                self.tenant_id,
                events,
                await list_subscribers(connection, self.tenant_id),
                ids=IDS,
                now=SystemClock().now(),
            )

    async def settle(self, status: str, event_ids: Sequence[UUID]) -> None:
        """End the pending deliveries of these events so."""
        async with tenant_tx(self._database, self.tenant_id) as connection:
            await connection.execute(
                "update webhook_deliveries set status = $2, next_attempt_at = null,"
                " finished_at = now() where tenant_id = $1 and event_id = any ($3)"
                " and status = 'pending'",
                self.tenant_id,
                status,
                list(event_ids),
            )

    async def note_attempt(self, delivery: str, number: int, response: bytes) -> None:
        """Write an attempt as a sender would."""
        delivery_id = parse_id("dlv", delivery)
        async with tenant_tx(self._database, self.tenant_id) as connection:
            key = await self._keys.tenant(connection, self.tenant_id)
            sealed = key.seal(response, sealing.RESPONSE, sealing.attempt_row(delivery_id, number))
            await connection.execute(
                "insert into webhook_attempts values ($1, $2, $3, now(), 12, 'failed', 503, null, $4,"
                " now())",
                self.tenant_id,
                delivery_id,
                number,
                sealed,
            )

    async def log(self, **query: Any) -> list[dict[str, Any]]:
        response = await self.partner.get(f"{PATH}/{self.endpoint}/deliveries", params=query)
        assert response.status_code == 200, response.text
        found: list[dict[str, Any]] = response.json()["data"]
        return found

    async def recover(self, key: str = "", **body: Any) -> httpx.Response:
        body = {"since": (datetime.now(UTC) - timedelta(hours=1)).isoformat()} | body
        return await self.partner.post(f"{PATH}/{self.endpoint}/recover", body, key=key)

    async def event_ids(self) -> list[UUID]:
        async with tenant_tx(self._database, self.tenant_id) as connection:
            rows = await connection.fetch("select event_id from events")
        return [row["event_id"] for row in rows]

    async def rest(self) -> None:
        """Let a minute pass since the last recovery."""
        async with tenant_tx(self._database, self.tenant_id) as connection:
            await connection.execute(
                "update webhook_endpoints set recovered_at = recovered_at - interval '61 s'"
                " where tenant_id = $1",
                self.tenant_id,
            )


@pytest.fixture
async def desk(http: httpx.AsyncClient, tenants: TenantFactory, context: ProcessContext) -> Desk:
    made = Desk(Partner(http, await tenants.new()), context)
    await made.open()
    return made


class TestTest:
    async def test_a_ping_is_due_at_once(self, desk: Desk, context: ProcessContext) -> None:
        woken: list[bytes] = []

        async def hear(message: Any) -> None:
            woken.append(message.data)

        subscription = await context.nats.subscribe(WAKE_WEBHOOKS, cb=hear)
        response = await desk.partner.post(f"{PATH}/{desk.endpoint}/test", key="t")
        again = await desk.partner.post(f"{PATH}/{desk.endpoint}/test", key="t")
        await eventually(lambda: len(woken) >= 1)
        await subscription.unsubscribe()
        sent = response.json()

        assert response.status_code == 202
        assert response.headers["location"] == f"/v1/webhook_deliveries/{sent['id']}"
        assert (sent["trigger"], sent["status"], sent["attempts"]) == ("test", "pending", [])
        body = json.loads(sent["body"])
        assert body["id"] == sent["event_id"]
        assert body["type"] == sent["event_type"] == "test.ping"
        assert body["data"]["id"] == desk.endpoint
        assert again.json() == sent
        assert again.headers["idempotent-replayed"] == "true"
        assert [each["id"] for each in await desk.log()] == [sent["id"]]

    async def test_a_disabled_endpoint_gets_none(self, desk: Desk) -> None:
        ping = (await desk.partner.post(f"{PATH}/{desk.endpoint}/test")).json()["id"]
        await desk.partner.http.patch(
            f"{PATH}/{desk.endpoint}", headers=desk.partner.headers, json={"status": "disabled"}
        )
        answers = [
            await desk.partner.post(f"{PATH}/{desk.endpoint}/test"),
            await desk.partner.post(f"/v1/webhook_deliveries/{ping}/resend"),
            await desk.recover(),
        ]
        assert {(each.status_code, each.json()["code"]) for each in answers} == {
            (409, "webhook-endpoint-disabled")
        }


class TestLog:
    async def test_newest_first_in_pages(self, desk: Desk) -> None:
        await desk.emit(5)
        await desk.fan_out()
        pages: list[str] = []
        cursor = {}
        while True:
            response = await desk.partner.get(
                f"{PATH}/{desk.endpoint}/deliveries", params={"limit": 2, **cursor}
            )
            page = response.json()
            pages += [each["id"] for each in page["data"]]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert len(pages) == 5
        assert pages == sorted(pages, reverse=True)
        assert "body" not in page["data"][0]

    async def test_filters(self, desk: Desk) -> None:
        first = await desk.emit(2)
        await desk.emit(1, event_type=EventType.SIMULATION_ENDED)
        await desk.fan_out()
        await desk.settle("failed", first)

        assert len(await desk.log(status="failed")) == 2
        assert len(await desk.log(status="pending")) == 1
        assert len(await desk.log(event_type="simulation.ended")) == 1
        assert await desk.log(status="failed", event_type="simulation.ended") == []
        bad = await desk.partner.get(f"{PATH}/{desk.endpoint}/deliveries", params={"status": "x"})
        assert bad.status_code == 400

    async def test_a_delivery_with_its_attempts(self, desk: Desk) -> None:
        await desk.emit()
        await desk.fan_out()
        (listed,) = await desk.log()
        await desk.note_attempt(listed["id"], 1, b"try later \xff")
        await desk.note_attempt(listed["id"], 2, b"")

        shown = (await desk.partner.get(f"/v1/webhook_deliveries/{listed['id']}")).json()
        (again,) = await desk.log()

        assert shown == again | {"body": shown["body"]}
        assert [each["number"] for each in shown["attempts"]] == [1, 2]
        assert shown["attempts"][0]["response"] == "try later \ufffd"
        assert shown["attempts"][0]["status_code"] == 503
        event = (await desk.partner.get("/v1/events")).json()["data"][0]
        assert json.loads(shown["body"]) == event

    async def test_strangers_find_nothing(self, desk: Desk, stranger: Partner) -> None:
        ping = (await desk.partner.post(f"{PATH}/{desk.endpoint}/test")).json()["id"]
        assert (await stranger.get(f"/v1/webhook_deliveries/{ping}")).status_code == 404
        resent = await stranger.post(f"/v1/webhook_deliveries/{ping}/resend")
        assert resent.status_code == 404


class TestResend:
    async def test_the_same_bytes_and_id_once_more(self, desk: Desk) -> None:
        (event_id,) = await desk.emit()
        await desk.fan_out()
        await desk.settle("failed", [event_id])
        (first,) = await desk.log()
        path = f"/v1/webhook_deliveries/{first['id']}"

        sent = await desk.partner.post(f"{path}/resend", key="r")
        again = await desk.partner.post(f"{path}/resend", key="r")

        assert (sent.status_code, again.status_code) == (202, 202)
        assert again.json() == sent.json()
        original = (await desk.partner.get(path)).json()
        made = sent.json()
        assert made["id"] != original["id"]
        same = ("body", "event_id", "event_type", "position", "endpoint_id")
        assert {name: made[name] for name in same} == {name: original[name] for name in same}
        assert (made["trigger"], made["status"]) == ("resend", "pending")
        assert len(await desk.log()) == 2


class TestRecover:
    async def test_what_failed_or_was_never_sent(self, desk: Desk) -> None:
        arrived, failed = await desk.emit(2), await desk.emit(3)
        await desk.fan_out()
        await desk.settle("succeeded", arrived)
        await desk.settle("failed", failed)
        await desk.emit(4)  # never fanned out: as if the endpoint had been disabled

        response = await desk.recover(only_failed=True)

        assert response.status_code == 202, response.text
        assert response.json() == {"deliveries": 7, "next_since": None}
        made = [each for each in await desk.log() if each["trigger"] == "recover"]
        assert sorted(each["position"] for each in made) == [3, 4, 5, 6, 7, 8, 9]

    async def test_everything_but_what_waits(self, desk: Desk) -> None:
        arrived = await desk.emit(2)
        await desk.fan_out()
        await desk.settle("succeeded", arrived)
        await desk.emit(3)
        await desk.fan_out()
        assert (await desk.recover()).json()["deliveries"] == 2
        await desk.rest()
        assert (await desk.recover()).json()["deliveries"] == 0

    async def test_a_range_and_the_endpoints_filters(self, desk: Desk) -> None:
        await desk.open(event_types=["turn.completed"])
        await desk.emit(2, minutes_ago=30)
        await desk.emit(3, minutes_ago=20)
        await desk.emit(1, minutes_ago=20, event_type=EventType.SIMULATION_ENDED)
        await desk.emit(4, minutes_ago=10)
        now = datetime.now(UTC)

        response = await desk.recover(
            since=(now - timedelta(minutes=25)).isoformat(),
            until=(now - timedelta(minutes=15)).isoformat(),
        )

        assert response.json()["deliveries"] == 3

    async def test_once_a_minute_and_a_repeat_is_free(self, desk: Desk) -> None:
        await desk.emit(2)
        body = {"since": (datetime.now(UTC) - timedelta(hours=1)).isoformat()}
        first = await desk.recover("k", **body)
        again = await desk.recover("k", **body)
        other = await desk.recover("other")

        assert first.json()["deliveries"] == 2
        assert again.json() == first.json()
        assert again.headers["idempotent-replayed"] == "true"
        assert (other.status_code, other.json()["code"]) == (429, "webhook-recovery-too-soon")
        assert 1 <= int(other.headers["retry-after"]) <= 61
        assert other.json()["retryable"] is True
        await desk.rest()
        assert (await desk.recover("other")).status_code == 202

    async def test_a_long_range_in_bounded_parts(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(recovery, "STEP", 10)
        monkeypatch.setattr(recovery, "MAX_RECOVERED", 20)
        for minutes in (50, 40, 30, 20):
            await desk.emit(10, minutes_ago=minutes)
        first = await desk.recover("a")
        replayed = await desk.recover("a", since=json.loads(first.request.content)["since"])
        await desk.settle("succeeded", await desk.event_ids())
        await desk.rest()
        second = await desk.recover(since=first.json()["next_since"], only_failed=True)

        assert first.json()["deliveries"] == 20
        assert replayed.json() == first.json()
        assert second.json() == {"deliveries": 20, "next_since": None}
        recovered = [each["event_id"] for each in await desk.log(limit=100)]
        assert len(set(recovered)) == 40

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"since": "2026-01-01T00:00:00Z"}, "/since"),
            ({"since": "2026-11-01T00:00:00"}, "/since"),
            ({"since": "yesterday"}, "/since"),
            ({"until": "2000-01-01T00:00:00Z"}, "/until"),
            ({"only_failed": "yes"}, "/only_failed"),
        ],
    )
    async def test_what_is_wrong_is_named(
        self, desk: Desk, body: dict[str, Any], pointer: str
    ) -> None:
        response = await desk.recover(**body)
        assert response.status_code == 400
        assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


class TestFat:
    async def test_a_fat_body_is_gone_with_its_person(
        self, desk: Desk, database: Database, keys: KeyRing, worker: object
    ) -> None:
        await desk.open(payload="fat")
        learner = await desk.partner.learner(external_id="c4nary")
        await desk.partner.simulation(learner)
        async with system_tx(database) as connection:
            await place_events(connection)
        await desk.fan_out()
        (listed,) = await desk.log()
        path = f"/v1/webhook_deliveries/{listed['id']}"
        before = (await desk.partner.get(path)).json()
        async with tenant_tx(database, desk.tenant_id) as connection:
            await connection.execute(
                "delete from learner_keys where tenant_id = $1 and learner_id = $2",
                desk.tenant_id,
                parse_id("lrn", learner),
            )
        after = (await desk.partner.get(path)).json()
        resent = await desk.partner.post(f"{path}/resend")

        assert "c4nary" in before["body"]
        assert after == before | {"body": None}
        assert resent.status_code == 404
