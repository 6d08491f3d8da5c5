"""Which version a request speaks, and what an older one is shown. [R-A10]"""

import asyncio
from typing import Any

import httpx
import pytest

from services.api.app import create_app
from services.api.context import ProcessContext
from services.api.versions.changes import CURRENT, FIRST, VERSIONS
from services.api.versions.service import VersionService
from shared.db.pool import Database
from shared.db.tx import system_tx
from tests.integration.api.conftest import Partner
from tests.support.tenants import TenantFactory

OLD = {"Api-Version": FIRST}


async def _pin(database: Database, partner: Partner) -> str | None:
    async with system_tx(database) as connection:
        pinned: str | None = await connection.fetchval(
            "select api_version from tenants where tenant_id = $1", partner.tenant.tenant_id
        )
    return pinned


@pytest.fixture
async def newcomer(http: httpx.AsyncClient, tenants: TenantFactory) -> Partner:
    return Partner(http, await tenants.new())


async def _operation(partner: Partner, **options: Any) -> httpx.Response:
    body = {
        "learner_id": await partner.learner(),
        "scenarios": ["support-angry-late-delivery"],
        "profiles": ["skilled"],
    }
    return await partner.post("/v1/simulation_batches", body, **options)


async def test_the_first_request_pins_the_tenant(newcomer: Partner, database: Database) -> None:
    assert await _pin(database, newcomer) is None

    answers = await asyncio.gather(*(newcomer.get("/v1/teams") for _ in range(20)))

    assert {each.headers["api-version"] for each in answers} == {CURRENT}
    assert await _pin(database, newcomer) == CURRENT


async def test_a_pinned_tenant_stays_where_it_is(
    newcomer: Partner, database: Database, context: ProcessContext
) -> None:
    await VersionService(database).move(newcomer.tenant.tenant_id, FIRST)
    transport = httpx.ASGITransport(app=create_app(context))
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
        answer = await Partner(client, newcomer.tenant).get("/v1/teams")

    assert answer.headers["api-version"] == FIRST
    assert await _pin(database, newcomer) == FIRST


async def test_a_request_may_ask_for_another_version(newcomer: Partner, database: Database) -> None:
    created = await _operation(newcomer)
    path = created.headers["operation-location"]
    headers = {**newcomer.headers, **OLD}

    new = await newcomer.get(path)
    old = await newcomer.http.get(path, headers=headers)
    page = await newcomer.http.get("/v1/operations", headers=headers)
    batch = await newcomer.http.get(created.headers["location"], headers=headers)

    assert (new.headers["api-version"], old.headers["api-version"]) == (CURRENT, FIRST)
    assert new.json()["progress"] == {"total": 1, "done": 0, "scored": 0, "failed": 0}
    was = {"total": 1, "played": 0, "scored": 0, "failed": 0}
    assert old.json()["progress"] == was
    assert page.json()["data"][0]["progress"] == was
    assert batch.json()["operation"]["progress"] == was
    assert new.json() | {"progress": was} == old.json(), "and nothing else differs"
    assert await _pin(database, newcomer) == CURRENT, "asking does not move the pin"


async def test_a_repeat_in_another_version_is_another_request(newcomer: Partner) -> None:
    body = {"name": "x"}
    first = await newcomer.post("/v1/teams", body, key="k")
    other = await newcomer.post("/v1/teams", body, key="k", headers=OLD)

    assert (first.status_code, other.status_code) == (201, 422)
    assert other.json()["code"] == "idempotency-key-reused"


@pytest.mark.parametrize("version", ["", "2020-01-01", "latest", "2026-11-22T00:00:00Z"])
async def test_unknown_versions_are_refused(partner: Partner, version: str) -> None:
    answer = await partner.http.get(
        "/v1/teams", headers={**partner.headers, "Api-Version": version}
    )

    assert answer.status_code == 400
    assert answer.json()["code"] == "api-version-unknown"
    assert answer.json()["errors"][0]["pointer"] == "header:Api-Version"
    assert "ratelimit" in answer.headers


async def test_a_tenant_moves_its_pin(newcomer: Partner, database: Database) -> None:
    before = (await newcomer.get("/v1/api_version")).json()
    moved = await newcomer.put("/v1/api_version", {"version": FIRST})
    after = await newcomer.get("/v1/api_version")

    assert (before["version"], before["current"]) == (CURRENT, CURRENT)
    assert [each["version"] for each in before["known"]] == list(VERSIONS)
    assert moved.status_code == 200
    assert after.headers["api-version"] == after.json()["version"] == FIRST
    assert await _pin(database, newcomer) == FIRST


@pytest.mark.parametrize("version", ["2020-01-01", "x", 5, None])
async def test_no_pin_to_nowhere(partner: Partner, version: Any) -> None:
    answer = await partner.put("/v1/api_version", {"version": version})

    assert answer.status_code == 400
    assert [each["pointer"] for each in answer.json()["errors"]] == ["/version"]


async def test_a_bound_key_cannot_move_it(newcomer: Partner, key_maker: Any) -> None:
    text = await key_maker.new(
        newcomer.tenant.tenant_id, scopes=["settings:write"], team_ids=[newcomer.tenant.tenant_id]
    )
    answer = await newcomer.as_key(text).put("/v1/api_version", {"version": FIRST})

    assert answer.status_code == 403
