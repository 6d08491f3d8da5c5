"""How replies got their words, as partners see it: in turns, in streams and summed up by version."""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import httpx
import msgspec
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from infra.llm_fake.script import Answer, Match, Rule, Script
from services.api.app import create_app
from services.api.context import ProcessContext
from services.sim_worker.context import Context
from services.sim_worker.interactive import TurnHandler
from services.sim_worker.model_wording import ModelWording
from services.sim_worker.repository import SimulationReader
from shared.contracts.jobs import JobMessage
from shared.llm.gateway import gateway
from tests.integration.api.conftest import KeyMaker, Partner
from tests.integration.api.stream_world import events_of, speak
from tests.support.llm import FakeLlm, endpoint, with_endpoint
from tests.support.tenants import TenantFactory

LINES = ("Hello, what happened?", "I understand, that is our mistake.", "What do you need it for?")


class World(NamedTuple):
    """A partner, and the endpoint behind the customers."""

    partner: Partner
    fake: FakeLlm


@pytest.fixture
async def world(
    context: ProcessContext, nats: Client, http: httpx.AsyncClient, tenants: TenantFactory
) -> AsyncIterator[World]:
    async with endpoint() as fake:
        settings = with_endpoint(context.settings, fake.url)
        model = gateway(
            settings, context.database, context.keys, clock=context.clock, ids=context.ids
        )
        handler = TurnHandler(
            Context(
                settings=settings,
                database=context.database,
                publisher=context.publisher,
                wording=ModelWording(model, context.ids),
                reader=SimulationReader(context.database, context.keys),
                clock=context.clock,
                ids=context.ids,
                model=model,
            )
        )

        async def take(message: Msg) -> None:
            await handler.handle(msgspec.json.decode(message.data, type=JobMessage))

        subscription = await nats.subscribe("jobs.turn.*", cb=take)
        yield World(Partner(http, await tenants.new()), fake)
        await subscription.unsubscribe()
        await model.close()


async def talked(partner: Partner, *, lines: tuple[str, ...] = LINES) -> dict[str, Any]:
    """Hold a conversation; return the simulation."""
    simulation = await partner.simulation()
    for number, line in enumerate(lines):
        answer = await partner.say(simulation["id"], 2 * number, line)
        assert answer.status_code == 200, answer.text
    return simulation


async def turns_of(partner: Partner, simulation: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await partner.get(f"/v1/simulations/{simulation['id']}/turns")
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


class TestTurns:
    async def test_a_reply_says_who_worded_it(self, world: World) -> None:
        simulation = await world.partner.simulation()
        answer = await world.partner.say(simulation["id"], 0, LINES[0])
        reply = answer.json()["reply"]
        assert reply["engine"] == "model"
        wording = reply["wording"]
        assert (wording["engine"], wording["why"], wording["drift"]) == ("model", None, [])
        (call,) = wording["calls"]
        assert call["model"] == "fake-1"
        assert call["host"].startswith("127.0.0.1")
        assert call["output_tokens"] > 0
        assert call["failure"] is None
        opening, said, stored = await turns_of(world.partner, simulation)
        assert stored == reply
        assert (opening["wording"], said["wording"]) == (None, None)

    async def test_a_fallback_says_why(self, world: World) -> None:
        world.fake.play(Script(rules=(Rule(answer=Answer(status=500)),)))
        simulation = await talked(world.partner, lines=LINES[:1])
        reply = (await turns_of(world.partner, simulation))[-1]
        assert (reply["engine"], reply["wording"]["why"]) == ("embedded", "server_error")

    async def test_a_test_key_asks_nobody(self, world: World, key_maker: KeyMaker) -> None:
        tenant = world.partner.tenant
        scopes = ("simulations:read", "simulations:write", "scenarios:read", "learners:write")
        text = await key_maker.new(tenant.tenant_id, environment="test", scopes=scopes)
        simulation = await talked(world.partner.as_key(text), lines=LINES[:1])
        reply = (await turns_of(world.partner, simulation))[-1]
        assert (reply["engine"], reply["wording"]["why"]) == ("embedded", "test_key")
        assert world.fake.count == 0

    async def test_a_stream_ends_in_the_same(self, world: World, context: ProcessContext) -> None:
        simulation = (await world.partner.simulation())["id"]
        events = await events_of(await speak(create_app(context), world.partner, simulation, 0))
        told = "".join(event.data["text"] for event in events if event.name == "turn.delta")
        (done,) = [event.data for event in events if event.name == "turn.completed"]
        assert done["reply"]["text"] == told
        assert done["reply"]["wording"]["engine"] == "model"
        assert done["reply"]["wording"]["calls"][0]["first_delta_ms"] is not None

    async def test_a_learner_sees_nothing_of_calls(
        self, world: World, context: ProcessContext
    ) -> None:
        partner = world.partner
        learner = await partner.learner()
        simulation = await partner.simulation(learner)
        made = await partner.post("/v1/learner_tokens", {"learner_id": learner})
        browser = partner.as_key(made.json()["token"])
        answers = [(await browser.say(simulation["id"], 0)).json()["reply"]]
        events = await events_of(await speak(create_app(context), browser, simulation["id"], 2))
        answers += [event.data["reply"] for event in events if event.name == "turn.completed"]
        answers += (await turns_of(browser, simulation))[2::2]
        assert len(answers) == 4
        for reply in answers:
            assert (reply["wording"]["engine"], reply["wording"]["calls"]) == ("model", [])
            assert "fake-1" not in str(reply)
        assert all(turn["wording"]["calls"] for turn in (await turns_of(partner, simulation))[2::2])

    async def test_a_branch_keeps_how_it_was_worded(self, world: World) -> None:
        simulation = await talked(world.partner)
        answer = await world.partner.post(
            f"/v1/simulations/{simulation['id']}/branches", {"from_seq": 2}
        )
        assert answer.status_code == 201, answer.text
        assert answer.json()["turns"][2]["wording"]["engine"] == "model"


class TestDrift:
    async def drift(self, partner: Partner, simulation: dict[str, Any], **query: Any) -> Any:
        scenario = simulation["scenario"]["id"]
        return await partner.get(f"/v1/scenarios/{scenario}/drift", params=query)

    async def test_it_is_counted_by_version(self, world: World) -> None:
        bad = Answer(text="As an AI language model, I can't say that.")
        world.fake.play(
            Script(
                rules=(
                    Rule(match=Match(first=1), answer=bad),
                    Rule(match=Match(after=2, first=2), answer=bad),
                )
            )
        )
        simulation = await talked(world.partner)
        branch = await world.partner.post(
            f"/v1/simulations/{simulation['id']}/branches", {"from_seq": 4}
        )
        assert branch.status_code == 201
        (found,) = (await self.drift(world.partner, simulation)).json()["data"]
        engines = [turn["engine"] for turn in await turns_of(world.partner, simulation)][2::2]
        assert found["version"] == simulation["scenario"]["version"]
        assert (found["replies"], found["worded"]) == (3, 3)
        assert found["by_model"] == engines.count("model")
        assert found["embedded"] == engines.count("embedded")
        assert found["codes"] == {"meta": found["drifted"]}
        assert found["drifted"] == found["regenerated"] == 2
        assert found["drift_rate"] == pytest.approx(0.6667)
        assert found["why"].get("failed_checks", 0) == engines.count("embedded")

    async def test_without_a_model_there_is_none(self, world: World, key_maker: KeyMaker) -> None:
        scopes = ("simulations:read", "simulations:write", "scenarios:read", "learners:write")
        tenant = world.partner.tenant
        text = await key_maker.new(tenant.tenant_id, environment="test", scopes=scopes)
        simulation = await talked(world.partner.as_key(text), lines=LINES[:1])
        (found,) = (await self.drift(world.partner, simulation)).json()["data"]
        assert (found["replies"], found["worded"], found["drift_rate"]) == (1, 0, 0.0)
        assert (found["codes"], found["why"]) == ({}, {})

    async def test_nobody_spoke_with_it_lately(self, world: World) -> None:
        simulation = await world.partner.simulation()
        assert (await self.drift(world.partner, simulation, days=1)).json() == {"data": []}

    @pytest.mark.parametrize("days", [0, 367, "many"])
    async def test_the_time_has_bounds(self, world: World, days: Any) -> None:
        simulation = await world.partner.simulation()
        answer = await self.drift(world.partner, simulation, days=days)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"] == "query:days"

    async def test_of_another_tenant_it_is_not_found(self, world: World, stranger: Partner) -> None:
        simulation = await talked(world.partner, lines=LINES[:1])
        assert (await self.drift(stranger, simulation)).status_code == 404
