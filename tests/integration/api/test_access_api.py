"""Who may do what: keys, scopes, bounds, other tenants."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from infra.tenants import Registry
from shared.db.pool import Database
from shared.db.tx import system_tx
from shared.ids import parse_id
from shared.keys import SCOPES
from tests.integration.api.conftest import FakeWorker, KeyMaker, Partner
from tests.support.tenants import TenantFactory


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer x",
        "Basic dXNlcjpwYXNz",
        "Bearer rk_live_" + "0" * 65,
        "Bearer rk_live_\u00e9",
        "Bearer rk_live_01k8zr6w2cf0b8n9s1d2e3f4g5" + "A" * 33 + "000000",
    ],
)
async def test_without_a_key_everything_is_401(http: httpx.AsyncClient, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}

    response = await http.get("/v1/teams", headers=headers)

    assert response.status_code == 401
    assert response.json()["code"] == "unauthenticated"
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.headers["content-type"] == "application/problem+json"


async def test_a_wrong_secret_is_401(partner: Partner, key_maker: KeyMaker) -> None:
    right = await key_maker.new(partner.tenant.tenant_id, scopes=SCOPES)
    wrong = _with_checksum(right[: 8 + 26] + "A" * 33)

    assert (await partner.as_key(right).get("/v1/teams")).status_code == 200
    assert (await partner.as_key(wrong).get("/v1/teams")).status_code == 401


def _with_checksum(body: str) -> str:
    from shared.keys import _checksum  # noqa: PLC0415  (the only use of a private name)

    return body + _checksum(body)


async def test_a_revoked_and_an_expired_key(partner: Partner, key_maker: KeyMaker) -> None:
    past = datetime.now(UTC) - timedelta(minutes=1)
    tenant_id = partner.tenant.tenant_id
    revoked = await key_maker.new(tenant_id, scopes=SCOPES, revoked_at=past)
    expired = await key_maker.new(tenant_id, scopes=SCOPES, expires_at=past)

    assert (await partner.as_key(revoked).get("/v1/teams")).json()["code"] == "unauthenticated"
    response = await partner.as_key(expired).get("/v1/teams")
    assert (response.status_code, response.json()["code"]) == (401, "key-expired")


async def test_a_suspended_tenant(
    http: httpx.AsyncClient, tenants: TenantFactory, database: Database
) -> None:
    partner = Partner(http, await tenants.new())
    async with system_tx(database) as connection:
        await connection.execute(
            "update tenants set status = 'suspended' where tenant_id = $1", partner.tenant.tenant_id
        )

    response = await partner.get("/v1/teams")

    assert (response.status_code, response.json()["code"]) == (403, "tenant-suspended")


READS = ("teams", "learners", "scenarios", "rubrics", "simulations", "scorings")


@pytest.mark.parametrize("noun", READS)
async def test_each_route_needs_its_scope(partner: Partner, key_maker: KeyMaker, noun: str) -> None:
    other = [scope for scope in SCOPES if scope != f"{noun}:read"]
    key = await key_maker.new(partner.tenant.tenant_id, scopes=other)

    response = await partner.as_key(key).get(f"/v1/{noun}")

    assert (response.status_code, response.json()["code"]) == (403, "scope-missing")


async def test_other_tenants_things_do_not_exist(
    partner: Partner, stranger: Partner, worker: FakeWorker
) -> None:
    simulation = (await stranger.simulation())["id"]
    team, learner = await stranger.team(), await stranger.learner()
    unknown = "sim_" + "0" * 26
    paths = [
        f"/v1/simulations/{simulation}",
        f"/v1/simulations/{simulation}/turns",
        f"/v1/teams/{team}",
        f"/v1/learners/{learner}",
        f"/v1/reports/teams/{team}/trend",
        "/v1/simulations/sim_nonsense",
        "/v1/simulations/" + "x" * 3000,
        f"/v1/simulations/{team}",
    ]
    reference = _body(await partner.get(f"/v1/simulations/{unknown}"))
    for path in paths:
        response = await partner.get(path)
        assert response.status_code == 404
        assert _body(response) == reference
    for path in (f"/v1/simulations/{simulation}/end", f"/v1/simulations/{unknown}/end"):
        assert _body(await partner.post(path)) == reference
    for target in (simulation, unknown):
        assert _body(await partner.say(target, 0)) == reference


def _body(response: httpx.Response) -> dict[str, Any]:
    body: dict[str, Any] = response.json()
    assert body.pop("request_id") == response.headers["request-id"]
    return body


async def test_a_key_bound_to_a_learner_sees_only_them(
    partner: Partner, key_maker: KeyMaker
) -> None:
    mine, other = await partner.learner(), await partner.learner()
    team = await partner.team()
    simulation = await partner.simulation(mine)
    foreign = await partner.simulation(other)
    key = await key_maker.new(
        partner.tenant.tenant_id, scopes=SCOPES, learner_id=parse_id("lrn", mine)
    )
    bound = partner.as_key(key)

    assert _ids(await bound.get("/v1/learners")) == [mine]
    assert _ids(await bound.get("/v1/simulations")) == [simulation["id"]]
    assert _ids(await bound.get("/v1/teams")) == []
    assert (await bound.get(f"/v1/teams/{team}")).status_code == 404
    assert (await bound.get(f"/v1/reports/teams/{team}/trend")).status_code == 404
    assert (await bound.get(f"/v1/simulations/{foreign['id']}")).status_code == 404
    assert (await bound.say(foreign["id"], 0)).status_code == 404
    assert (await bound.post("/v1/teams", {"name": "x"})).status_code == 403
    assert (await bound.post("/v1/learners", {"external_id": "x"})).status_code == 403
    body = {"scenario": await partner.scenario(), "learner_id": other, "mode": "interactive"}
    assert (await bound.post("/v1/simulations", body)).status_code == 404


async def test_a_key_bound_to_teams_sees_who_is_in_them_now(
    partner: Partner, key_maker: KeyMaker
) -> None:
    team, other = await partner.team(), await partner.team()
    now = await partner.learner(memberships=[{"team_id": team, "from": "2026-01-01"}])
    await partner.learner(memberships=[{"team_id": team, "from": "2025-01-01", "to": "2025-06-01"}])
    await partner.learner(memberships=[{"team_id": other, "from": "2026-01-01"}])
    simulation = await partner.simulation(now)
    key = await key_maker.new(
        partner.tenant.tenant_id, scopes=SCOPES, team_ids=[parse_id("team", team)]
    )
    bound = partner.as_key(key)

    assert _ids(await bound.get("/v1/learners")) == [now]
    assert _ids(await bound.get("/v1/teams")) == [team]
    assert _ids(await bound.get("/v1/simulations")) == [simulation["id"]]
    homeless = await bound.post("/v1/learners", {"external_id": "homeless"})
    assert homeless.json()["errors"][0]["pointer"] == "/memberships"
    abroad = {"external_id": "abroad", "memberships": [{"team_id": other}]}
    assert (await bound.post("/v1/learners", abroad)).status_code == 404


def _ids(response: httpx.Response) -> list[str]:
    return [each["id"] for each in response.json()["data"]]


async def test_operators_see_queues_and_tenants_do_not(
    partner: Partner, tenants: TenantFactory
) -> None:
    await partner.simulation()
    registry: Registry = tenants.registry
    operator = partner.as_key(await registry.create_ops_key())

    workload = (await operator.get("/ops/v1/workload")).json()["data"]

    flow = [queue for queue in workload if queue["kind"] == "flow"]
    assert any(queue["waiting"] > 0 and queue["oldest_age_s"] >= 0 for queue in flow)
    assert all(queue["tenant_id"].startswith("ten_") for queue in workload)
    assert (await partner.get("/ops/v1/workload")).status_code == 401
    assert (await operator.get("/v1/teams")).status_code == 401
