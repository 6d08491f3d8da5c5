"""What was asked of a model and what it did cost: by day, task, model, simulation, turn, scoring."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from shared.contracts.llm import Task, WhyEmbedded
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import format_id, parse_id
from tests.integration.api.conftest import IDS, KeyMaker, Partner
from tests.support.llm_calls import FIRST, Caller
from tests.support.tenants import Tenant, TenantFactory

SPAN = {"from": "2026-03-01T00:00:00Z", "to": "2026-05-01T00:00:00Z"}


@pytest.fixture
async def partner(http: Any, tenants: TenantFactory) -> Partner:
    return Partner(http, await tenants.new())


@pytest.fixture
def caller(database: Database, partner: Partner) -> Caller:
    return Caller(database, partner.tenant.tenant_id)


async def usage(partner: Partner, **params: Any) -> Any:
    response = await partner.get("/v1/usage", params={**SPAN, **params})
    assert response.status_code == 200, response.text
    return response.json()


class TestSums:
    async def test_nothing_asked_is_nothing(self, partner: Partner) -> None:
        found = (await partner.get("/v1/usage")).json()
        assert found["data"] == []
        assert found["total"] == {
            "calls": 0, "failed_calls": 0, "input_tokens": 0, "cached_tokens": 0,
            "output_tokens": 0, "cost_usd": "0", "latency_p50_ms": None, "latency_p95_ms": None,
        }  # fmt: skip

    async def test_tokens_cost_latency_and_failures_add_up(
        self, partner: Partner, caller: Caller
    ) -> None:
        for latency in range(1, 21):
            await caller.call(latency=latency * 10)
        await caller.call(cost=0, latency=9999, failure=WhyEmbedded.TIMEOUT)
        found = (await usage(partner))["total"]
        assert found == {
            "calls": 21, "failed_calls": 1, "input_tokens": 1890, "cached_tokens": 840,
            "output_tokens": 210, "cost_usd": "0.02", "latency_p50_ms": 100, "latency_p95_ms": 190,
        }  # fmt: skip

    async def test_under_way_is_no_usage_and_never_settled_is_its_most(
        self, partner: Partner, caller: Caller, database: Database
    ) -> None:
        await caller.call(datetime.now(UTC) + timedelta(minutes=5), is_settled=False)
        now_on = {"from": "2026-05-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
        assert (await usage(partner, **now_on))["total"]["calls"] == 0
        await caller.call(is_settled=False)
        # The ledger books it with the next call; it is used before that, and also if none comes.
        for more, expected in ((0, (1, 1, "0.005")), (1, (2, 1, "0.006"))):
            for _ in range(more):
                await caller.call(FIRST + timedelta(minutes=1))
            total = (await usage(partner))["total"]
            assert (total["calls"], total["failed_calls"], total["cost_usd"]) == expected
            for group_by in ("day", "month", "task", "model"):
                groups = (await usage(partner, group_by=group_by))["data"]
                assert sum(each["usage"]["calls"] for each in groups) == expected[0]
            (month,) = await self._months(database, partner)
            held = Decimal(month["spent_microusd"] + (0 if more else month["reserved_microusd"]))
            assert held / 1_000_000 == Decimal(total["cost_usd"])

    async def _months(self, database: Database, partner: Partner) -> list[Any]:
        async with tenant_tx(database, partner.tenant.tenant_id) as connection:
            return await connection.fetch(
                "select spent_microusd, reserved_microusd from llm_months"
                " where tenant_id = $1 and month = '2026-03-01'",
                partner.tenant.tenant_id,
            )


class TestGroups:
    @pytest.fixture(autouse=True)
    async def calls(self, caller: Caller) -> None:
        self.simulation, self.scoring = IDS.new(), IDS.new()
        await caller.call(simulation_id=self.simulation, seq=2)
        await caller.call(FIRST + timedelta(days=1), model="gpt-4o-mini", cost=10)
        await caller.call(FIRST + timedelta(days=31), task=Task.JUDGING, scoring_id=self.scoring)

    @pytest.mark.parametrize(
        ("group_by", "groups"),
        [
            ("day", [("2026-03-14", "0.001"), ("2026-03-15", "0.00001"), ("2026-04-14", "0.001")]),
            ("month", [("2026-03", "0.00101"), ("2026-04", "0.001")]),
            ("task", [("judging", "0.001"), ("wording", "0.00101")]),
            ("model", [("gpt-4o", "0.002"), ("gpt-4o-mini", "0.00001")]),
        ],
    )
    async def test_by(self, group_by: str, groups: list[tuple[str, str]], partner: Partner) -> None:
        found = await usage(partner, group_by=group_by)
        shown = [(each["group"], each["usage"]["cost_usd"]) for each in found["data"]]
        assert sorted(shown) == groups
        assert found["total"]["cost_usd"] == "0.00201"

    async def test_by_simulation_and_by_scoring(self, partner: Partner) -> None:
        for kind, prefix, value in (
            ("simulation", "sim", self.simulation),
            ("scoring", "scr", self.scoring),
        ):
            found = await usage(partner, group_by=kind)
            assert [each["group"] for each in found["data"]] == [format_id(prefix, value)]
            assert found["total"]["calls"] == 3

    @pytest.mark.parametrize("group_by", ["day", "task", "model"])
    async def test_page_by_page_is_the_same(self, group_by: str, partner: Partner) -> None:
        whole = (await usage(partner, group_by=group_by))["data"]
        paged: list[Any] = []
        cursor: dict[str, str] = {}
        for _ in range(len(whole)):
            page = await usage(partner, group_by=group_by, limit=1, **cursor)
            paged += page["data"]
            cursor = {"cursor": page["next_cursor"]}
        assert paged == whole
        assert cursor == {"cursor": None}

    async def test_a_time_is_from_and_to(self, partner: Partner) -> None:
        found = await usage(partner, to="2026-03-15T09:00:00Z")
        assert [each["group"] for each in found["data"]] == ["2026-03-14"]
        response = await partner.get("/v1/usage", params={"from": SPAN["to"], "to": SPAN["from"]})
        assert response.json()["errors"][0]["pointer"] == "query:to"

    async def test_another_tenant_sees_nothing(self, stranger: Partner) -> None:
        assert (await usage(stranger))["total"]["calls"] == 0


class TestOfOneThing:
    async def test_a_simulation_turn_by_turn(self, partner: Partner, caller: Caller) -> None:
        simulation = (await partner.simulation())["id"]
        simulation_id = parse_id("sim", simulation)
        await caller.call(simulation_id=simulation_id, seq=2, cost=5)
        await caller.call(simulation_id=simulation_id, seq=2, cost=7)
        await caller.call(simulation_id=simulation_id, seq=4, cost=1, task=Task.APPRAISAL)
        await caller.call(simulation_id=simulation_id, seq=6, is_settled=False)
        found = (await partner.get(f"/v1/simulations/{simulation}/usage")).json()
        assert found["simulation_id"] == simulation
        assert found["total"]["calls"] == 4
        turns = [(each["seq"], each["task"], each["usage"]["cost_usd"]) for each in found["turns"]]
        assert turns == [
            (2, "wording", "0.000012"),
            (4, "appraisal", "0.000001"),
            (6, "wording", "0.005"),
        ]

    async def test_a_scoring(self, partner: Partner, caller: Caller) -> None:
        turns = [
            {"role": "customer", "text": "My parcel is late."},
            {"role": "agent", "text": "I am sorry to hear that."},
            {"role": "customer", "text": "So what now?"},
            {"role": "agent", "text": "I will call the depot."},
        ]
        body = {
            "conversation": {"source": "chat", "turns": turns},
            "learner_id": await partner.learner(),
            "rubric": "general",
        }
        scoring = (await partner.post("/v1/scorings", body)).json()["id"]
        await caller.call(scoring_id=parse_id("scr", scoring), task=Task.JUDGING)
        found = (await partner.get(f"/v1/scorings/{scoring}/usage")).json()
        assert found["scoring_id"] == scoring
        assert found["total"]["cost_usd"] == "0.001"

    async def test_what_a_key_may_not_see_is_not_there(
        self, partner: Partner, stranger: Partner, key_maker: KeyMaker, http: Any
    ) -> None:
        learner, other = await partner.learner(), await partner.learner()
        simulation = (await partner.simulation(learner))["id"]
        path = f"/v1/simulations/{simulation}/usage"
        tenant = partner.tenant

        async def bound(learner_id: str) -> Partner:
            text = await key_maker.new(
                tenant.tenant_id, scopes=["usage:read"], learner_id=parse_id("lrn", learner_id)
            )
            return Partner(http, Tenant(tenant.tenant_id, tenant.slug, text))

        assert (await stranger.get(path)).status_code == 404
        assert (await (await bound(other)).get(path)).status_code == 404
        mine = await bound(learner)
        assert (await mine.get(path)).status_code == 200
        for whole in ("/v1/usage", "/v1/usage/budget"):
            assert (await mine.get(whole)).status_code == 403


class TestBudget:
    async def test_what_is_left(self, partner: Partner, database: Database) -> None:
        budgets = {"monthly_usd": "0.01", "simulation_usd": "0.5"}
        put = {"expected_revision": 0, "budgets": budgets, "max_in_flight": 9}
        assert (await partner.put("/v1/settings/llm", put)).status_code == 200
        now = datetime.now(UTC)
        caller = Caller(database, partner.tenant.tenant_id)
        await caller.call(now)
        await caller.call(now, is_settled=False)
        found = (await partner.get("/v1/usage/budget")).json()
        assert found == {
            "month": now.strftime("%Y-%m"),
            "source": "none",
            "monthly": {
                "limit_usd": "0.01",
                "spent_usd": "0.001",
                "reserved_usd": "0.005",
                "left_usd": "0.004",
            },
            "installation": None,
            "simulation_usd": "0.5",
            "scoring_usd": None,
            "in_flight": 1,
            "max_in_flight": 9,
        }

    async def test_before_the_first_call(self, partner: Partner) -> None:
        found = (await partner.get("/v1/usage/budget")).json()
        assert found["monthly"] == {
            "limit_usd": None, "spent_usd": "0", "reserved_usd": "0", "left_usd": None,
        }  # fmt: skip
