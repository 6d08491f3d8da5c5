"""Plans and states of tenants over the API: what is refused, what goes on. [R-A12, R-C7]"""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from infra.tenant_limits import LimitRegistry
from services.api import rates as rates_module
from services.api.app import create_app
from services.api.context import ProcessContext
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.tenancy import book as book_module
from shared.tenancy.limits import Defaults
from tests.integration.api.conftest import FakeWorker, Partner
from tests.support.tenants import TenantFactory

CONVERSATION = {
    "conversation": {
        "source": "call",
        "turns": [
            {"role": "customer", "text": "My parcel is late and I am angry."},
            {"role": "agent", "text": "I am sorry. I will look into it for you right now."},
        ],
    }
}


@pytest.fixture(autouse=True)
def _see_changes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_module, "FRESH_S", 0.0)
    monkeypatch.setattr("services.api.auth.CACHE_S", 0.0)


@pytest.fixture
async def own(http: httpx.AsyncClient, tenants: TenantFactory) -> Partner:
    """A tenant of one test."""
    return Partner(http, await tenants.new())


@pytest.fixture
def registry(database: Database, context: ProcessContext) -> LimitRegistry:
    return LimitRegistry(database, Defaults.of(context.settings))


async def _starts(partner: Partner, learner: str) -> list[httpx.Response]:
    """Ask for everything that begins something."""
    scenario = await partner.scenario()
    simulation = {"scenario": scenario, "learner_id": learner}
    scoring = {"learner_id": learner, **CONVERSATION}
    batch = {
        "learner_id": learner, "scenarios": [scenario], "profiles": ["skilled"], "seed": 1,
        "repeat": 1, "score": False,
    }  # fmt: skip
    return [
        await partner.post("/v1/simulations", {**simulation, "mode": "interactive"}),
        await partner.post(
            "/v1/simulations", {**simulation, "mode": "autopilot", "profile": "skilled"}
        ),
        await partner.post("/v1/simulation_batches", batch),
        await partner.post("/v1/scorings", scoring),
        await partner.post("/v1/scoring_batches", {"conversations": [scoring]}),
    ]


class TestStates:
    @pytest.mark.parametrize("status", ["paused", "draining"])
    async def test_nothing_new_begins_and_open_conversations_go_on(
        self, own: Partner, registry: LimitRegistry, worker: FakeWorker, status: str
    ) -> None:
        learner = await own.learner()
        simulation = await own.simulation(learner)
        await registry.set_status(own.tenant.tenant_id, status)

        for refused in await _starts(own, learner):
            assert refused.status_code == 503, refused.request.url
            assert refused.json()["code"] == "tenant-paused"
            assert refused.json()["retryable"] is True
            assert 60 <= int(refused.headers["retry-after"]) <= 75
        assert (await own.say(simulation["id"], 0)).status_code == 200
        assert (await own.get(f"/v1/simulations/{simulation['id']}")).status_code == 200
        ended = await own.post(f"/v1/simulations/{simulation['id']}/end")
        assert ended.status_code < 300

        await registry.set_status(own.tenant.tenant_id, "active")
        for accepted in await _starts(own, learner):
            assert accepted.status_code in {201, 202}, accepted.text

    async def test_a_refusal_does_not_use_the_key_up(
        self, own: Partner, registry: LimitRegistry
    ) -> None:
        learner = await own.learner()
        body = {"learner_id": learner, **CONVERSATION}
        await registry.set_status(own.tenant.tenant_id, "paused")
        assert (await own.post("/v1/scorings", body, key="once")).status_code == 503
        await registry.set_status(own.tenant.tenant_id, "active")
        assert (await own.post("/v1/scorings", body, key="once")).status_code == 202

    async def test_a_repeat_of_what_was_accepted_is_answered(
        self, own: Partner, registry: LimitRegistry
    ) -> None:
        body = {"learner_id": await own.learner(), **CONVERSATION}
        first = await own.post("/v1/scorings", body, key="again")
        await registry.set_status(own.tenant.tenant_id, "paused")
        again = await own.post("/v1/scorings", body, key="again")
        assert again.status_code < 300
        assert again.json()["id"] == first.json()["id"]

    async def test_a_suspended_tenant_is_refused_everything(
        self, own: Partner, registry: LimitRegistry
    ) -> None:
        await registry.set_status(own.tenant.tenant_id, "suspended")
        answer = await own.get("/v1/teams")
        assert (answer.status_code, answer.json()["code"]) == (403, "tenant-suspended")


class TestConcurrency:
    async def test_parallel_requests_cannot_exceed_a_limit(
        self, own: Partner, registry: LimitRegistry
    ) -> None:
        learner = await own.learner()
        await registry.set_limit(own.tenant.tenant_id, "scorings", 5, "test")
        body = {"learner_id": learner, **CONVERSATION}
        answers = await asyncio.gather(*(own.post("/v1/scorings", body) for _ in range(30)))
        assert sum(one.status_code == 202 for one in answers) == 5
        refused = next(one for one in answers if one.status_code == 429).json()
        assert refused["code"] == "concurrency-exceeded"
        assert refused["violated-policies"] == ["scorings"]

    async def test_a_batch_counts_with_all_its_conversations(
        self, own: Partner, registry: LimitRegistry
    ) -> None:
        learner = await own.learner()
        await registry.set_limit(own.tenant.tenant_id, "scorings", 3, "test")
        item = {"learner_id": learner, **CONVERSATION}
        too_many = await own.post("/v1/scoring_batches", {"conversations": [item] * 4})
        assert (too_many.status_code, too_many.json()["code"]) == (429, "concurrency-exceeded")
        assert (
            await own.post("/v1/scoring_batches", {"conversations": [item] * 3})
        ).status_code == 202

    async def test_a_simulation_that_ends_makes_room(
        self, own: Partner, registry: LimitRegistry
    ) -> None:
        learner = await own.learner()
        await registry.set_limit(own.tenant.tenant_id, "simulations", 1, "test")
        first = await own.simulation(learner)
        body = {"scenario": await own.scenario(), "learner_id": learner, "mode": "interactive"}
        refused = await own.post("/v1/simulations", body)
        assert refused.json()["violated-policies"] == ["simulations"]
        assert int(refused.headers["retry-after"]) >= 1
        await own.post(f"/v1/simulations/{first['id']}/end")
        assert (await own.post("/v1/simulations", body)).status_code == 201


class TestRequests:
    async def test_two_processes_share_a_quota(
        self, own: Partner, registry: LimitRegistry, context: ProcessContext
    ) -> None:
        await registry.set_limit(own.tenant.tenant_id, "requests_per_minute", 30, "test")
        statuses: list[int] = []
        for _ in range(2):
            transport = httpx.ASGITransport(app=create_app(context))
            async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as http:
                process = Partner(http, own.tenant)
                statuses += [(await process.get("/v1/teams")).status_code for _ in range(40)]
        assert 25 <= statuses.count(200) <= 32  # 30, and what comes back meanwhile
        assert statuses.count(429) == len(statuses) - statuses.count(200)

    async def test_the_tenants_own_numbers_are_shown(
        self, own: Partner, registry: LimitRegistry
    ) -> None:
        await registry.set_plan(own.tenant.tenant_id, "trial")
        await registry.set_limit(own.tenant.tenant_id, "scorings", None, "test")
        shown = {one["name"]: one for one in (await own.get("/v1/limits")).json()["data"]}
        assert shown["requests"]["value"] == 600
        assert shown["simulations"]["value"] == 50
        assert shown["model-spend"] == {
            "name": "model-spend", "value": 5_000_000, "unit": "microusd", "window_s": 86400,
            "meaning": "then the embedded engine",
        }  # fmt: skip
        assert "scorings" not in shown

    async def test_without_the_store_reads_pass_and_writes_do_not(
        self, own: Partner, registry: LimitRegistry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rates_module, "STORE_REST_S", 0.0)
        tenant_id: UUID = own.tenant.tenant_id
        await registry.set_limit(tenant_id, "requests_per_minute", 10, "test")
        learner = await own.learner()
        body: dict[str, Any] = {"learner_id": learner, **CONVERSATION}
        async with tenant_tx(registry._database, tenant_id) as connection:
            await connection.execute(
                "select from request_rates where tenant_id = $1 for update", tenant_id
            )
            read = await own.get("/v1/teams")
            write = await own.post("/v1/scorings", body, key="held up")
        assert read.status_code == 200
        assert "ratelimit" not in read.headers
        assert write.status_code == 503
        assert write.json()["code"] == "temporary-reduced-capacity"
        assert int(write.headers["retry-after"]) >= 1
        assert (await own.post("/v1/scorings", body, key="held up")).status_code == 202
