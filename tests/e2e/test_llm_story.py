"""A language model on the whole product when all is well, when money ends, and when it comes back."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal

import pytest

from shared.ids import parse_id
from tests.e2e import llm_world as world
from tests.e2e.llm_world import LIMIT_S, SAID
from tests.e2e.partner import LINES, Partner
from tests.e2e.truth import assert_whole, settled
from tests.support.llm import Answer, FakeLlm, Match, Rule, Script, environment, threaded
from tests.support.product import Product

pytestmark = pytest.mark.timeout(300)

FAILURES = 6
"""Answers of the ailing endpoint that fail: more than the breaker bears in a row."""

AILING = "ailing"

BUDGET_MICROUSD = 3_000
"""Enough for some lines and not for a conversation."""


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeLlm]:
    match = Match(model=world.model_of(AILING), first=FAILURES)
    rule = Rule(name=AILING, match=match, answer=Answer(status=503))
    with threaded(Script(rules=(rule,))) as running:
        yield running


@pytest.fixture(scope="module")
def modeled(fake: FakeLlm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    settings = environment(fake.url) | {"RAPPORT_LLM_TIMEOUT_S": str(LIMIT_S)}
    running = Product(tmp_path_factory.mktemp("story") / "data", settings)
    try:
        yield running.start()
    finally:
        running.clean_up()


@pytest.fixture
async def guests() -> AsyncIterator[list[Partner]]:
    """Tenants to say goodbye to."""
    made: list[Partner] = []
    yield made
    for each in made:
        await each.close()


async def _guest(
    modeled: Product, fake: FakeLlm, guests: list[Partner], name: str, **changes: object
) -> Partner:
    guests.append(await world.guest(modeled, fake.url, name, **changes))
    return guests[-1]


async def test_from_the_first_line_to_the_bill(
    modeled: Product, fake: FakeLlm, guests: list[Partner]
) -> None:
    partner = await _guest(modeled, fake, guests, "story")
    learner = await world.learner(partner)
    simulation = (await partner.simulation(learner))["id"]

    answer = await partner.say(simulation, 1, SAID[0])
    events = await world.read_along(partner, simulation, 3, SAID[1])
    await partner.end(simulation)
    played = await world.autopilot(partner, learner)
    await settled(partner)

    assert answer["reply"]["engine"] == "model"
    world.assert_told(events)
    assert sum(each.name == "turn.delta" for each in events) > 0
    for one in (simulation, played):
        marks = await world.marks_of(partner, one)
        assert {mark["engine"] for mark in marks} <= {"model", "mixed"}
    judged = await world.assessment_of(partner, played)
    assert (judged["engine"], judged["why"]) == ("model", None)
    assert judged["model"]["answered"] > 0
    account = await world.settled_account(partner)
    world.assert_bounded(account)
    assert world.asked_by(fake, "story") == len(account.calls)
    await _assert_bill(partner, account, played)
    await assert_whole(partner)


async def _assert_bill(partner: Partner, account: world.Account, played: str) -> None:
    """What is told of money is what the ledger has, from every side."""
    by_task = await partner.get("/v1/usage", group_by="task")
    assert {each["group"] for each in by_task["data"]} == {"wording", "judging"}
    total = by_task["total"]
    assert (total["calls"], total["failed_calls"]) == (len(account.calls), 0)
    assert Decimal(total["cost_usd"]) == Decimal(account.spent) / 1_000_000
    assert account.spent > 0
    budget = await partner.get("/v1/usage/budget")
    assert Decimal(budget["monthly"]["spent_usd"]) == Decimal(total["cost_usd"])
    assert Decimal(budget["monthly"]["reserved_usd"]) == 0
    one = await partner.get(f"/v1/simulations/{played}/usage")
    simulation_id = parse_id("sim", played)
    ours = [each for each in account.calls if each["simulation_id"] == simulation_id]
    assert one["total"]["calls"] == len(ours)
    assert Decimal(one["total"]["cost_usd"]) == Decimal(
        sum(each["cost_microusd"] for each in ours)
    ) / Decimal(1_000_000)


async def test_the_end_of_a_budget_is_not_the_end_of_a_conversation(
    modeled: Product, fake: FakeLlm, guests: list[Partner]
) -> None:
    budget = {"simulation_usd": str(Decimal(BUDGET_MICROUSD) / 1_000_000)}
    partner = await _guest(modeled, fake, guests, "frugal", budgets=budget, judging="embedded")
    simulation = (await partner.simulation(await world.learner(partner)))["id"]

    await partner.talk(simulation, len(LINES))

    marks = await world.marks_of(partner, simulation)
    engines = [mark["engine"] for mark in marks]
    assert engines[0] == "model"
    assert engines[-1] == "embedded"
    assert marks[-1]["why"] == "budget_exhausted"
    account = await world.settled_account(partner)
    assert 0 < account.spent <= BUDGET_MICROUSD
    assert len(account.calls) == world.asked_by(fake, "frugal")
    await partner.end(simulation)
    await settled(partner)
    await assert_whole(partner)


async def test_a_test_key_costs_nothing(
    modeled: Product, fake: FakeLlm, guests: list[Partner]
) -> None:
    partner = await _guest(modeled, fake, guests, "frank")
    made = await asyncio.to_thread(modeled.run, "keys", "create", partner.slug, "--test")
    assert made.returncode == 0, made.stderr
    trying = Partner(modeled, partner.slug, partner.tenant_id, made.stdout.strip())
    guests.append(trying)

    simulation = await world.talk(trying, await world.learner(trying))
    await settled(trying)

    assert {mark["why"] for mark in await world.marks_of(trying, simulation)} == {"test_key"}
    assert (await world.account_of(partner)).calls == []
    assert world.asked_by(fake, "frank") == 0
    await assert_whole(trying)


@pytest.mark.slow
async def test_an_endpoint_that_recovers_is_asked_again(
    modeled: Product, fake: FakeLlm, guests: list[Partner]
) -> None:
    """The breaker opens after some failures, probes, and closes; nobody has to do anything."""
    partner = await _guest(modeled, fake, guests, AILING, judging="embedded")
    learner = await world.learner(partner)
    whys: list[str | None] = []
    while whys[-1:] != [None]:
        assert len(whys) < 40, whys
        simulation = (await partner.simulation(learner, seed=len(whys)))["id"]
        await partner.say(simulation, 1, SAID[0])
        whys += [mark.get("why") for mark in await world.marks_of(partner, simulation)]
        if whys[-1] == "endpoint_resting":
            await asyncio.sleep(1)  # a learner who thinks

    assert whys.count("server_error") == FAILURES
    assert whys.count("endpoint_resting") > 0
    assert world.asked_by(fake, AILING) == FAILURES + 1
    await world.settled_account(partner)
