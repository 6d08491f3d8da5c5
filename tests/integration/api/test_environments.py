"""Test keys never spend money: what they make or touch is marked; what a tenant chose is kept."""

from typing import Any
from uuid import UUID

import pytest

from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import parse_id
from tests.integration.api.conftest import FakeWorker, Partner
from tests.support.tenants import Tenant, TenantFactory

TURNS = [
    {"role": "customer", "text": "My parcel is three days late and nobody calls me."},
    {"role": "agent", "text": "I am sorry to hear that. What was in the parcel?"},
    {"role": "customer", "text": "A present. I need it today."},
    {"role": "agent", "text": "I will call the depot now and ring you back at ten."},
]


@pytest.fixture
async def live(http: Any, tenants: TenantFactory) -> Partner:
    return Partner(http, await tenants.new())


@pytest.fixture
async def test_key(live: Partner, tenants: TenantFactory) -> Partner:
    tenant = live.tenant
    text = await tenants.key(tenant, environment="test")
    return Partner(live.http, Tenant(tenant.tenant_id, tenant.slug, text))


async def column(
    database: Database, tenant_id: UUID, table: str, name: str, where: str, value: UUID
) -> set[Any]:
    async with tenant_tx(database, tenant_id) as connection:
        rows = await connection.fetch(
            f"select {name} as found from {table} where tenant_id = $1 and {where} = $2",
            tenant_id,
            value,
        )
    assert rows
    return {row["found"] for row in rows}


async def environment(database: Database, partner: Partner, simulation: str) -> str:
    found = await column(
        database, partner.tenant.tenant_id, "simulations", "environment", "simulation_id",
        parse_id("sim", simulation),
    )  # fmt: skip
    return str(found.pop())


class TestSimulations:
    async def test_the_key_that_starts_one_decides(
        self, live: Partner, test_key: Partner, database: Database
    ) -> None:
        for partner, expected in ((live, "live"), (test_key, "test")):
            simulation = (await partner.simulation())["id"]
            assert await environment(database, partner, simulation) == expected

    async def test_a_test_key_that_speaks_keeps_the_model_out(
        self, live: Partner, test_key: Partner, database: Database, worker: FakeWorker
    ) -> None:
        simulation = (await live.simulation())["id"]
        assert (await live.say(simulation, 0)).status_code == 200
        assert await environment(database, live, simulation) == "live"
        assert (await test_key.say(simulation, 2)).status_code == 200
        assert await environment(database, live, simulation) == "test"

    async def test_a_test_key_that_ends_one_keeps_the_model_out_of_its_scoring(
        self, live: Partner, test_key: Partner, database: Database
    ) -> None:
        simulation = (await live.simulation())["id"]
        assert (await test_key.post(f"/v1/simulations/{simulation}/end")).status_code == 200
        assert await environment(database, live, simulation) == "test"

    async def test_a_branch_is_of_the_key_that_makes_it(
        self, live: Partner, test_key: Partner, database: Database
    ) -> None:
        simulation = (await live.simulation())["id"]
        for partner, expected in ((live, "live"), (test_key, "test")):
            made = await partner.post(f"/v1/simulations/{simulation}/branches", {"from_seq": 0})
            assert await environment(database, partner, made.json()["id"]) == expected
        assert await environment(database, live, simulation) == "live"

    async def test_a_batch(self, live: Partner, test_key: Partner, database: Database) -> None:
        body = {
            "learner_id": await live.learner(),
            "scenarios": [await live.scenario()],
            "profiles": ["average", "skilled"],
        }
        for partner, expected in ((live, "live"), (test_key, "test")):
            made = (await partner.post("/v1/simulation_batches", body)).json()
            operation_id = parse_id("op", made["id"])
            found = await column(
                database, live.tenant.tenant_id, "simulations", "environment", "operation_id",
                operation_id,
            )  # fmt: skip
            assert found == {expected}


class TestScorings:
    async def test_the_key_that_hands_in_decides(
        self, live: Partner, test_key: Partner, database: Database
    ) -> None:
        learner = await live.learner()
        conversation = {"source": "chat", "turns": TURNS}
        body = {"conversation": conversation, "learner_id": learner, "rubric": "general"}
        for partner, expected in ((live, "live"), (test_key, "test")):
            made = (await partner.post("/v1/scorings", body)).json()
            batch = (await partner.post("/v1/scoring_batches", {"conversations": [body]})).json()
            tenant_id = live.tenant.tenant_id
            one = await column(
                database, tenant_id, "scorings", "environment", "scoring_id",
                parse_id("scr", made["id"]),
            )  # fmt: skip
            many = await column(
                database, tenant_id, "scorings", "environment", "operation_id",
                parse_id("op", batch["id"]),
            )  # fmt: skip
            assert one == many == {expected}


class TestHostility:
    async def test_new_conversations_have_what_the_tenant_chose(
        self, live: Partner, database: Database
    ) -> None:
        before = (await live.simulation())["id"]
        put = {"expected_revision": 0, "max_hostility": 1}
        assert (await live.put("/v1/settings/llm", put)).status_code == 200
        after = (await live.simulation())["id"]
        branch = (await live.post(f"/v1/simulations/{before}/branches", {"from_seq": 0})).json()[
            "id"
        ]
        body = {
            "learner_id": await live.learner(),
            "scenarios": [await live.scenario()],
            "profiles": ["average"],
        }
        batch = (await live.post("/v1/simulation_batches", body)).json()["id"]
        for where, value, expected in (
            ("simulation_id", parse_id("sim", before), 3),
            ("simulation_id", parse_id("sim", after), 1),
            ("simulation_id", parse_id("sim", branch), 3),
            ("operation_id", parse_id("op", batch), 1),
        ):
            found = await column(
                database, live.tenant.tenant_id, "simulations", "max_hostility", where, value
            )
            assert found == {expected}
