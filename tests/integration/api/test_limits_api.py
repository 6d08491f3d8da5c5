"""What a tenant may have waiting, and how long a revoked key lives."""

import dataclasses

import httpx
import msgspec
import pytest

from infra.tenants import Registry
from services.api.app import create_app
from services.api.context import ProcessContext
from shared.db.tx import tenant_tx
from shared.keys import parse_key
from tests.integration.api.conftest import FakeWorker, Partner
from tests.support.tenants import TenantFactory


async def test_a_full_queue_is_429_and_leaves_nothing(
    context: ProcessContext, tenants: TenantFactory, worker: FakeWorker
) -> None:
    settings = msgspec.structs.replace(context.settings, tenant_backlog=2, turn_wait_s=0.05)
    app = create_app(dataclasses.replace(context, settings=settings))
    transport = httpx.ASGITransport(app=app)
    worker.is_deaf = True
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
            partner = Partner(client, await tenants.new())
            learner = await partner.learner()
            first, second = [await partner.simulation(learner) for _ in range(2)]
            full = await partner.post(
                "/v1/simulations",
                {
                    "scenario": await partner.scenario(),
                    "learner_id": learner,
                    "mode": "interactive",
                },
            )
            settings = msgspec.structs.replace(settings, tenant_backlog=1)
            narrow = create_app(dataclasses.replace(context, settings=settings))
            client._transport = httpx.ASGITransport(app=narrow)
            waiting = await partner.say(first["id"], 0)
            refused = await partner.say(second["id"], 0, key="refused")
            state = await partner.get(f"/v1/simulations/{second['id']}")
    finally:
        worker.is_deaf = False

    assert waiting.status_code == 202
    for response in (full, refused):
        assert response.status_code == 429
        assert response.json()["code"] == "quota-exceeded"
        assert int(response.headers["retry-after"]) > 0
    assert state.json()["last_seq"] == 0


async def test_a_revoked_key_is_forgotten(
    partner: Partner, tenants: TenantFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry: Registry = tenants.registry
    text = await tenants.key(partner.tenant)
    bound = partner.as_key(text)
    assert (await bound.get("/v1/teams")).status_code == 200
    await registry.revoke_key(parse_key(text).key_id)

    assert (await bound.get("/v1/teams")).status_code == 200, "cached, as documented"
    monkeypatch.setattr("services.api.auth.CACHE_S", 0.0)
    assert (await bound.get("/v1/teams")).status_code == 401


async def test_waiting_autopilots_count_against_the_next_one(
    context: ProcessContext, tenants: TenantFactory
) -> None:
    settings = msgspec.structs.replace(context.settings, tenant_backlog=2)
    app = create_app(dataclasses.replace(context, settings=settings))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
        partner = Partner(client, await tenants.new())
        body = {"scenario": await partner.scenario(), "learner_id": await partner.learner()}
        async with tenant_tx(context.database, partner.tenant.tenant_id) as connection:
            await connection.execute(
                "insert into jobs (tenant_id, job_id, kind, payload, next_publish_at, created_at)"
                " select $1, gen_random_uuid(), 'batch', '{}', now() + interval '1 hour', now()"
                "   from generate_series(1, 2)",
                partner.tenant.tenant_id,
            )
        refused = await partner.post(
            "/v1/simulations", {**body, "mode": "autopilot", "profile": "skilled"}
        )
        accepted = await partner.post("/v1/simulations", {**body, "mode": "interactive"})

    assert (refused.status_code, refused.json()["code"]) == (429, "quota-exceeded")
    assert accepted.status_code == 201
