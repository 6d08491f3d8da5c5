"""The log of deliveries over HTTP; a test, sending again."""

import json
from typing import Any

import httpx
import pytest

from services.api.context import ProcessContext
from services.orchestrator.repository import place_events
from shared.contracts.events import EventType
from shared.contracts.webhooks import WAKE_WEBHOOKS
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.tx import system_tx, tenant_tx
from shared.ids import parse_id
from tests.integration.api.conftest import Partner
from tests.integration.api.webhook_desk import PATH, Desk
from tests.support.tenants import TenantFactory
from tests.support.waiting import eventually


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
