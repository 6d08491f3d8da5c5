"""What a batch would cost: from defaults, from measurements, against what is left of the budget."""

from decimal import Decimal
from typing import Any

import pytest

from services.api.context import ProcessContext
from shared.contracts.llm import Task
from shared.db.pool import Database
from tests.integration.api.conftest import IDS, Partner
from tests.support.llm_calls import Caller
from tests.support.tenants import Tenant, TenantFactory

SETTINGS = "/v1/settings/llm"
PLAY = "/v1/simulation_batches/estimate"
SCORE = "/v1/scoring_batches/estimate"
TURNS = [
    {"role": "customer", "text": "Late again?"},
    {"role": "agent", "text": "I am sorry."},
    {"role": "customer", "text": "And now?"},
    {"role": "agent", "text": "I will call the depot."},
]


@pytest.fixture
async def partner(http: Any, tenants: TenantFactory) -> Partner:
    return Partner(http, await tenants.new())


async def configured(partner: Partner, **fields: Any) -> None:
    body = {
        "expected_revision": 0,
        "endpoint": {"base_url": "https://api.example.com/v1"},
        "api_key": "k",
        "default_model": "gpt-4o-mini",
        **fields,
    }
    response = await partner.put(SETTINGS, body)
    assert response.status_code == 200, response.text


async def play(partner: Partner, **fields: Any) -> Any:
    body = {
        "learner_id": await partner.learner(),
        "scenarios": [await partner.scenario()],
        "profiles": ["average"],
        "repeat": 10,
        **fields,
    }
    response = await partner.post(PLAY, body)
    assert response.status_code == 200, response.text
    return response.json()


async def score(partner: Partner, *texts: str, language: str = "en") -> Any:
    learner = await partner.learner()
    conversations: list[Any] = [
        {
            "learner_id": learner,
            "conversation": {
                "source": "chat",
                "language": language,
                "turns": [*TURNS, {"role": "customer", "text": text}],
            },
        }
        for text in texts
    ]
    response = await partner.post(SCORE, {"conversations": conversations})
    assert response.status_code == 200, response.text
    return response.json()


def money(found: Any) -> list[Decimal]:
    return [Decimal(found["cost_usd"][name]) for name in ("low", "likely", "most")]


class TestSimulations:
    async def test_without_a_model_it_costs_nothing(self, partner: Partner) -> None:
        found = await play(partner)
        assert (found["engine"], found["why"], found["tasks"]) == ("embedded", "no_model", [])
        assert found["cost_usd"] == {"low": "0", "likely": "0", "most": "0"}
        assert found["budget"]["is_covered"]

    async def test_a_test_key_costs_nothing(self, partner: Partner, tenants: TenantFactory) -> None:
        await configured(partner)
        tenant = partner.tenant
        text = await tenants.key(tenant, environment="test")
        found = await play(Partner(partner.http, Tenant(tenant.tenant_id, tenant.slug, text)))
        assert (found["engine"], found["why"]) == ("embedded", "test_key")

    async def test_from_defaults(self, partner: Partner) -> None:
        await configured(partner, judging="model", samples=2)
        found = await play(partner)
        assert found["conversations"] == 10
        wording, judging = found["tasks"]
        assert (wording["task"], wording["basis"], wording["is_priced"]) == (
            "wording", "defaults", True,
        )  # fmt: skip
        assert wording["calls"] == {"low": 40, "likely": 90, "most": 200}
        assert judging["calls"] == {"low": 40, "likely": 80, "most": 120}
        # 90 calls of 1400 tokens at 0.15 and 50 at 0.60 dollars per million.
        assert Decimal(wording["cost_usd"]["likely"]) == Decimal("0.0216")
        low, likely, most = money(found)
        assert 0 < low < likely < most
        assert 0 < found["seconds"]["low"] < found["seconds"]["most"]

    async def test_what_is_turned_off_or_not_wanted_costs_nothing(self, partner: Partner) -> None:
        await configured(partner, judging="cascade", disabled=["wording"])
        assert [each["task"] for each in (await play(partner))["tasks"]] == ["judging"]
        found = await play(partner, score=False)
        assert (found["engine"], found["why"]) == ("embedded", "disabled")

    async def test_from_the_tenants_own_calls(
        self, partner: Partner, database: Database, context: ProcessContext
    ) -> None:
        await configured(partner)
        caller = Caller(database, partner.tenant.tenant_id)
        now = context.clock.now()
        for _ in range(20):
            simulation = IDS.new()
            for _ in range(3):
                await caller.call(now, simulation_id=simulation, seq=2, latency=500)
        (wording,) = (await play(partner))["tasks"]
        assert wording["basis"] == "measured"
        assert wording["calls"] == {"low": 30, "likely": 30, "most": 30}
        assert wording["input_tokens"]["likely"] == 30 * 90
        assert wording["output_tokens"]["likely"] == 30 * 10

    async def test_a_budget_that_does_not_suffice_is_said(self, partner: Partner) -> None:
        await configured(partner, budgets={"monthly_usd": "0.01"})
        found = await play(partner)
        assert found["budget"] == {
            "left_usd": "0.01",
            "is_covered": False,
            "is_surely_covered": False,
            "covered_conversations": 4,
        }

    async def test_an_unknown_model_has_a_cautious_price(self, partner: Partner) -> None:
        await configured(partner, default_model="house-special")
        (unknown,) = (await play(partner))["tasks"]
        assert not unknown["is_priced"]
        assert Decimal(unknown["cost_usd"]["likely"]) > 1

    async def test_nothing_is_stored_and_wrong_bodies_are_refused(self, partner: Partner) -> None:
        await play(partner)
        assert (await partner.get("/v1/simulations")).json()["data"] == []
        response = await partner.post(PLAY, {"repeat": 0})
        pointers = {each["pointer"] for each in response.json()["errors"]}
        assert {"/repeat", "/learner_id", "/scenarios", "/profiles"} <= pointers


class TestScorings:
    async def test_longer_conversations_cost_more(self, partner: Partner) -> None:
        await configured(partner, judging="model")
        short = await score(partner, "Well?", "So?")
        long = await score(partner, "Well? " * 1000, "So? " * 1500)
        assert short["conversations"] == long["conversations"] == 2
        assert [each["task"] for each in short["tasks"]] == [Task.JUDGING]
        assert money(long)[1] > 1.3 * float(money(short)[1])

    async def test_what_is_not_english_is_rendered_first(self, partner: Partner) -> None:
        await configured(partner, judging="model")
        found = await score(partner, "Und jetzt?", language="de")
        assert [each["task"] for each in found["tasks"]] == [Task.APPRAISAL, Task.JUDGING]

    async def test_the_embedded_judge_costs_nothing(self, partner: Partner) -> None:
        await configured(partner)
        assert (await score(partner, "Well?"))["engine"] == "embedded"

    async def test_every_wrong_conversation_is_named(self, partner: Partner) -> None:
        response = await partner.post(SCORE, {"conversations": [{"learner_id": 7}, {}]})
        pointers = {each["pointer"] for each in response.json()["errors"]}
        assert {"/conversations/0/learner_id", "/conversations/1/conversation"} <= pointers

    async def test_what_is_not_there_is_named_as_the_batch_would(
        self, partner: Partner, stranger: Partner
    ) -> None:
        turns = {"source": "chat", "turns": TURNS}
        theirs = {
            "learner_id": await stranger.learner(),
            "conversation": turns,
            "rubric": "no-such",
        }
        mine = {"learner_id": await partner.learner(), "conversation": turns}
        response = await partner.post(SCORE, {"conversations": [mine, theirs]})
        assert response.status_code == 404
        assert {each["pointer"] for each in response.json()["errors"]} == {
            "/conversations/1/learner_id", "/conversations/1/rubric",
        }  # fmt: skip
        body = {
            "learner_id": theirs["learner_id"],
            "scenarios": ["no-such"],
            "profiles": ["average"],
        }
        response = await partner.post(PLAY, body)
        assert response.status_code == 404
        assert {each["pointer"] for each in response.json()["errors"]} == {
            "/learner_id", "/scenarios/0",
        }  # fmt: skip
