"""A model words the customer through the real gateway: what is stored, told and paid for."""

from collections.abc import AsyncIterator

import pytest
from nats.aio.client import Client

from infra.llm_fake.script import Answer, Fault, Match, Rule, Script
from services.sim_worker import model_wording
from shared.config import Settings
from shared.contracts.llm import Task, WhyEmbedded
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.llm.breaker import FAILURES_IN_A_ROW
from tests.integration.workers.wording_bench import Wordings, open_wordings
from tests.support.tenants import TenantFactory
from tests.support.waiting import eventually

HELLO = "Hello, I'm sorry. What exactly happened with your order?"
LEAK = "As an AI language model, I can tell you that this is a simulation."


@pytest.fixture
async def wordings(
    settings: Settings, database: Database, keys: KeyRing, tenants: TenantFactory, nats: Client
) -> AsyncIterator[Wordings]:
    async with open_wordings(settings, database, keys, tenants, nats) as opened:
        yield opened


def always(answer: Answer) -> Script:
    return Script(rules=(Rule(answer=answer),))


async def spent(wordings: Wordings) -> tuple[int, int]:
    """What is still promised, and calls that are settled."""
    rows = await wordings.run(
        "select reserved_microusd, (select count(*) from llm_calls c where c.tenant_id = $1"
        " and c.status = 'settled') as settled from llm_months where tenant_id = $1"
    )
    return (rows[0]["reserved_microusd"], rows[0]["settled"]) if rows else (0, 0)


class TestInteractive:
    @pytest.mark.parametrize("streamed", [False, True])
    async def test_the_models_words_are_stored(self, wordings: Wordings, *, streamed: bool) -> None:
        simulation_id = await wordings.start()
        reply = await wordings.say(simulation_id, HELLO, streamed=streamed)
        assert reply.engine == "model"
        (call,) = reply.note.calls
        assert (call.task, call.model, call.failure) == (Task.WORDING, "fake-1", None)
        assert call.prompt_version
        assert (call.first_delta_ms is not None) == streamed
        assert (reply.note.held_ms is not None) == streamed
        assert await spent(wordings) == (0, 1)

    async def test_what_is_told_is_the_line(self, wordings: Wordings) -> None:
        simulation_id = await wordings.start()
        async with wordings.hearing(simulation_id) as told:
            reply = await wordings.say(simulation_id, HELLO, streamed=True)
            await eventually(lambda: "".join(told) == reply.text)
        assert reply.engine == "model"

    async def test_the_words_do_not_move_the_mind(self, wordings: Wordings) -> None:
        lines = (HELLO, "I understand, that is our mistake. What is it for?", "Give me a moment.")
        states = []
        for answer in (None, "Lorem ipsum.", LEAK):
            wordings.fake.play(always(Answer(text=answer)) if answer else Script())
            simulation_id = await wordings.start()
            states.append([(await wordings.say(simulation_id, line)).state for line in lines])
        assert states[0] == states[1] == states[2]

    async def test_a_bad_answer_is_asked_for_again(self, wordings: Wordings) -> None:
        wordings.fake.play(Script(rules=(Rule(match=Match(first=1), answer=Answer(text=LEAK)),)))
        reply = await wordings.say(await wordings.start(), HELLO)
        assert (reply.engine, reply.note.drift, reply.note.is_regenerated) == (
            "model",
            ("meta",),
            True,
        )
        assert wordings.fake.count == 2

    @pytest.mark.parametrize("streamed", [False, True])
    async def test_never_more_than_twice(self, wordings: Wordings, *, streamed: bool) -> None:
        wordings.fake.play(always(Answer(text=LEAK)))
        reply = await wordings.say(await wordings.start(), HELLO, streamed=streamed)
        assert (reply.engine, reply.note.why) == ("embedded", WhyEmbedded.FAILED_CHECKS)
        assert wordings.fake.count == 2
        assert await spent(wordings) == (0, 2)

    async def test_the_endpoint_is_ill(self, wordings: Wordings) -> None:
        wordings.fake.play(always(Answer(status=503)))
        reply = await wordings.say(await wordings.start(), HELLO)
        assert (reply.engine, reply.note.why) == ("embedded", WhyEmbedded.SERVER_ERROR)
        assert wordings.fake.count == 1
        assert (await spent(wordings))[0] == 0

    async def test_a_stream_breaks_behind_the_first_sentence(self, wordings: Wordings) -> None:
        text = "Listen to me. I have been waiting for it and nobody has told me anything."
        wordings.fake.play(always(Answer(text=text, fault=Fault.CUT, after_deltas=8)))
        simulation_id = await wordings.start()
        async with wordings.hearing(simulation_id) as told:
            reply = await wordings.say(simulation_id, HELLO, streamed=True)
            await eventually(lambda: "".join(told) == reply.text)
        assert reply.text.startswith("Listen to me. ")
        assert (reply.engine, reply.note.why) == ("mixed", WhyEmbedded.UNREACHABLE)

    async def test_an_endpoint_that_says_nothing_is_soon_left_alone(
        self, wordings: Wordings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(model_wording, "HELD_S", 0.2)
        wordings.fake.play(always(Answer(fault=Fault.HALF_OPEN)))
        simulation_id = await wordings.start()
        whys = []
        for number in range(FAILURES_IN_A_ROW + 1):
            reply = await wordings.say(simulation_id, f"{HELLO} {number}", streamed=True)
            whys.append((reply.note.why, [call.failure for call in reply.note.calls]))
        timeout = WhyEmbedded.TIMEOUT
        assert whys == [
            *[(timeout, [timeout])] * FAILURES_IN_A_ROW,
            (WhyEmbedded.BREAKER_OPEN, []),
        ]

    async def test_a_test_key_spends_nothing(self, wordings: Wordings) -> None:
        reply = await wordings.say(await wordings.start(environment="test"), HELLO)
        assert (reply.engine, reply.note.why) == ("embedded", WhyEmbedded.TEST_KEY)
        assert wordings.fake.count == 0

    async def test_a_tenant_may_turn_it_off(self, wordings: Wordings) -> None:
        await wordings.use(disabled=(Task.WORDING,))
        reply = await wordings.say(await wordings.start(), HELLO)
        assert (reply.engine, reply.note.why) == ("embedded", WhyEmbedded.DISABLED)
        assert wordings.fake.count == 0

    async def test_the_prompt_has_the_conversation_of_before(self, wordings: Wordings) -> None:
        simulation_id = await wordings.start()
        for text in (HELLO, "What else?", "And then?", "Tell me about your order."):
            await wordings.say(simulation_id, text)
        asked = wordings.fake.asked[-1].json()
        user = asked["messages"][-1]["content"]
        assert user.count('"who"') == 6
        assert "What else?" in user
        assert HELLO not in user

    async def test_a_job_that_comes_twice_is_worded_once(self, wordings: Wordings) -> None:
        simulation_id = await wordings.start()
        message = await wordings.ask(simulation_id, HELLO)
        await wordings.turns.handle(message)
        await wordings.turns.handle(message)
        assert len(await wordings.replies(simulation_id)) == 1
        assert wordings.fake.count == 1


class TestAutopilot:
    async def test_a_whole_conversation_is_worded(self, wordings: Wordings) -> None:
        replies = await wordings.play(await wordings.start(mode="autopilot"))
        assert len(replies) >= 3
        engines = [reply.engine for reply in replies]
        assert engines.count("model") >= 0.8 * len(engines)
        assert all(reply.note.held_ms is None for reply in replies)
        assert (await spent(wordings))[0] == 0

    async def test_nothing_is_said_twice(self, wordings: Wordings) -> None:
        wordings.fake.play(always(Answer(text="I don't think that helps me at all.")))
        replies = await wordings.play(await wordings.start(mode="autopilot"))
        said = [reply.text for reply in replies]
        assert sum("I don't think that helps me at all." in text for text in said) <= 1
