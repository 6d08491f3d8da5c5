"""Tenants as operators make and change them."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from services.api.ops.tenants import OpsTenants
from shared.contracts.jobs import JobKind
from shared.contracts.subjects import wake_subject
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import format_id
from tests.integration.api.conftest import IDS, Partner
from tests.integration.api.ops_world import Operator, trail, uuid_of
from tests.support.tenants import Tenant, TenantFactory


@pytest.fixture(scope="module")
async def operator(http: httpx.AsyncClient, tenants: TenantFactory) -> Operator:
    return await Operator.new(http, tenants)


@pytest.fixture
async def fresh(http: httpx.AsyncClient, tenants: TenantFactory) -> Partner:
    return Partner(http, await tenants.new())


@pytest.fixture
def path(fresh: Partner) -> str:
    return f"/tenants/{format_id('ten', fresh.tenant.tenant_id)}"


async def _die(*_arguments: Any) -> None:
    raise OSError("planted")


def _slug() -> str:
    return f"acme-{IDS.new().hex[-12:]}"


async def _tenant_trail(database: Database, tenant_id: UUID) -> list[Any]:
    async with tenant_tx(database, tenant_id) as connection:
        return await connection.fetch(
            "select action, actor_kind, actor_id, request_id from trail where tenant_id = $1"
            " order by number",
            tenant_id,
        )


class TestCreation:
    async def test_a_tenant_can_be_used_at_once(
        self, operator: Operator, http: httpx.AsyncClient, database: Database
    ) -> None:
        slug = _slug()
        body = {"slug": slug, "time_zone": "Europe/Vienna", "plan": "trial"}
        response = await operator.send("POST", "/tenants", body)
        assert response.status_code == 201, response.text
        made = response.json()
        partner = Partner(http, Tenant(uuid_of(made["id"]), slug, made["api_key"]))
        assert len((await partner.get("/v1/scenarios")).json()["data"]) > 5
        assert await partner.simulation()
        seen = await operator.seen(f"/tenants/{made['id']}")
        assert (seen["plan"], seen["time_zone"]) == ("trial", "Europe/Vienna")
        assert seen["sizes"]["open_simulations"] == 1
        assert not seen["is_drained"]
        told = await trail(database, operator.key_id)
        mine = [e["action"] for e in told if e["request_id"] == response.headers["request-id"]]
        assert mine == ["ops.create_tenant", "tenant.created", "tenant.plan_set"]
        own = await _tenant_trail(database, uuid_of(made["id"]))
        assert own[0]["actor_kind"] == "operator"
        assert own[0]["actor_id"] is None  # a tenant learns what was done, not by which operator

    async def test_a_repeat_finds_it_without_the_key(self, operator: Operator) -> None:
        body, key = {"slug": _slug()}, str(IDS.new())
        first = await operator.send("POST", "/tenants", body, key=key)
        again = await operator.send("POST", "/tenants", body, key=key)
        assert again.status_code == 201, again.text
        assert again.headers["idempotent-replayed"] == "true"
        assert again.json() == first.json() | {"api_key": None}
        other = await operator.send("POST", "/tenants", {"slug": _slug()}, key=key)
        assert other.json()["code"] == "idempotency-key-reused"

    async def test_one_that_was_left_half_made_is_completed(
        self, operator: Operator, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        body, key = {"slug": _slug(), "plan": "trial"}, str(IDS.new())
        for place in ("_complete", "_first_key"):  # where the process died
            with monkeypatch.context() as patch:
                patch.setattr(OpsTenants, place, _die)
                assert (await operator.send("POST", "/tenants", body, key=key)).status_code == 503
        made = await operator.send("POST", "/tenants", body, key=key)
        assert made.status_code == 201, made.text
        assert made.json()["api_key"].startswith("rk_live_")
        assert (await operator.seen(f"/tenants/{made.json()['id']}"))["plan"] == "trial"
        own = await _tenant_trail(database, uuid_of(made.json()["id"]))
        assert [each["action"] for each in own] == ["tenant.created", "tenant.plan_set"]
        again = await operator.send("POST", "/tenants", body, key=key)
        assert again.json()["api_key"] is None

    async def test_a_taken_slug_is_a_conflict(self, operator: Operator, fresh: Partner) -> None:
        for key in (None, str(IDS.new())):
            response = await operator.send("POST", "/tenants", {"slug": fresh.tenant.slug}, key=key)
            assert (response.status_code, response.json()["code"]) == (409, "conflict")

    async def test_every_wrong_field_is_named(self, operator: Operator) -> None:
        body: dict[str, Any] = {"slug": "Not A Slug", "time_zone": 5, "plan": "gold", "extra": 1}
        response = await operator.send("POST", "/tenants", body)
        assert response.status_code == 400
        named = {each["pointer"] for each in response.json()["errors"]}
        assert {"/slug", "/time_zone", "/extra"} <= named
        for body, pointer in (
            ({"slug": _slug(), "plan": "gold"}, "/plan"),
            ({"slug": _slug(), "time_zone": "Europe/Nowhere"}, "/time_zone"),
        ):
            response = await operator.send("POST", "/tenants", body)
            assert response.status_code == 400, response.text
            assert [each["pointer"] for each in response.json()["errors"]] == [pointer]


class TestReading:
    async def test_the_list_is_paged_and_filtered(self, operator: Operator, fresh: Partner) -> None:
        first = await operator.seen("/tenants", limit=1)
        assert len(first["data"]) == 1
        second = await operator.seen("/tenants", limit=1, cursor=first["next_cursor"])
        assert second["data"][0]["id"] > first["data"][0]["id"]
        found = await operator.seen("/tenants", slug=fresh.tenant.slug)
        assert [each["slug"] for each in found["data"]] == [fresh.tenant.slug]
        assert (await operator.seen("/tenants", slug=fresh.tenant.slug, plan="trial"))["data"] == []

    async def test_a_tenant_that_is_none(self, operator: Operator) -> None:
        nobody = format_id("ten", IDS.new())
        for suffix in ("", "/workload", "/storage"):
            assert (await operator.get(f"/tenants/{nobody}{suffix}")).status_code == 404
        for method, suffix, body in (
            ("PUT", "/plan", {"plan": "trial"}),
            ("PUT", "/status", {"status": "paused"}),
            ("PATCH", "/limits", {"set": {"weight": 3}, "reason": "OPS-1"}),
        ):
            response = await operator.send(method, f"/tenants/{nobody}{suffix}", body)
            assert response.status_code == 404, response.text


class TestChanges:
    async def test_plan_and_limits(self, operator: Operator, path: str) -> None:
        response = await operator.send("PUT", f"{path}/plan", {"plan": "trial"})
        assert (response.json()["plan"], response.json()["scorings"]) == ("trial", 500)
        body = {"set": {"scorings": 7, "tokens_per_day": None, "weight": 4}, "reason": "OPS-77"}
        response = await operator.send("PATCH", f"{path}/limits", body)
        assert response.status_code == 200, response.text
        seen = response.json()
        assert (seen["scorings"], seen["tokens_per_day"], seen["weight"]) == (7, None, 4)
        assert {each["name"]: each["reason"] for each in seen["overrides"]} == {
            "scorings": "OPS-77", "tokens_per_day": "OPS-77", "weight": "OPS-77",
        }  # fmt: skip
        changed_by = {each["changed_by"] for each in seen["overrides"]}
        assert changed_by == {format_id("key", operator.key_id)}
        body = {"clear": ["scorings"], "reason": "OPS-78"}
        seen = (await operator.send("PATCH", f"{path}/limits", body)).json()
        assert seen["scorings"] == 500
        assert len(seen["overrides"]) == 2

    async def test_limits_change_all_or_none(self, operator: Operator, path: str) -> None:
        body = {"set": {"weight": 0, "backlog": None, "scorings": 9}, "reason": "OPS-1"}
        response = await operator.send("PATCH", f"{path}/limits", body)
        assert response.status_code == 400
        named = {each["pointer"] for each in response.json()["errors"]}
        assert named == {"/set/weight", "/set/backlog"}
        assert (await operator.seen(path))["limits"]["overrides"] == []
        for wrong in (
            {"reason": "OPS-1"},
            {"set": {"weight": 2}, "clear": ["weight"], "reason": "OPS-1"},
            {"set": {"weight": 2}, "reason": "asked by bob@example.com"},
            {"set": {"speed": 2}, "reason": "OPS-1"},
        ):
            response = await operator.send("PATCH", f"{path}/limits", wrong)
            assert response.status_code == 400, response.text

    async def test_who_goes_on_wakes_the_workers(
        self, operator: Operator, fresh: Partner, path: str, nats: Client
    ) -> None:
        heard: asyncio.Queue[str] = asyncio.Queue()

        async def hear(message: Msg) -> None:
            await heard.put(message.subject)

        subject = wake_subject(JobKind.SCORE, fresh.tenant.tenant_id).replace("score", "*", 1)
        subscription = await nats.subscribe(subject, cb=hear)
        await nats.flush()
        for before, status in (("paused", "active"), ("paused", "suspended")):
            await operator.send("PUT", f"{path}/status", {"status": before})
            assert heard.empty()
            await operator.send("PUT", f"{path}/status", {"status": status})
            async with asyncio.timeout(5):
                lanes = {(await heard.get()).split(".")[1] for _ in range(2)}
            assert lanes == {"score", "batch"}
        await subscription.unsubscribe()

    async def test_states_are_told_once(
        self, operator: Operator, fresh: Partner, path: str, database: Database
    ) -> None:
        for status in ("paused", "paused", "draining", "suspended", "active"):
            response = await operator.send("PUT", f"{path}/status", {"status": status})
            assert response.status_code == 200, response.text
            assert response.json()["status"] == status
        assert response.json()["is_drained"]
        own = [each["action"] for each in await _tenant_trail(database, fresh.tenant.tenant_id)]
        assert own == [
            "tenant.paused", "tenant.draining_begun", "tenant.suspended", "tenant.resumed",
        ]  # fmt: skip
