"""A model words a decided line: at most two calls, what passed is kept, the rest is embedded."""

import asyncio
from collections.abc import Callable
from uuid import UUID

import pytest
from typing_extensions import override

from services.sim_worker import model_wording
from services.sim_worker.engine.wording import word
from services.sim_worker.model_wording import ModelWording
from shared.contracts.llm import ModelPolicy, Task, WhyEmbedded, WordingNote
from shared.ids import Uuid7Maker
from shared.library import load_scenarios
from shared.llm.ports import ChatRequest, Listener, ModelFailedError
from tests.support.worded import SayingModel, Says, Talk, data_of, draft_of, move_of

SCENARIO = next(x for x in load_scenarios() if x.slug == "support-angry-late-delivery")
HELLO = "Hello, I'm sorry. What exactly happened with your order?"


def note_of(talk: Talk) -> WordingNote:
    note = talk.turns[-1].wording
    assert note is not None
    return note


def draft(talk: Talk) -> str:
    return word(SCENARIO, move_of(talk.turns[-1]))


async def said(says: Says, *, streams: bool = True, **how: object) -> Talk:
    talk = Talk(SCENARIO, SayingModel(says), seed=3, streams=streams)
    await talk.say(HELLO, **how)
    return talk


def asked_of(talk: Talk) -> list[ChatRequest]:
    assert isinstance(talk.model, SayingModel)
    return talk.model.asked


def reworded(request: ChatRequest) -> str:
    """Say the draft in slightly other words."""
    return f"Look, {draft_of(request)[:1].lower()}{draft_of(request)[1:]}"


def then(*answers: str | Callable[[ChatRequest], str]) -> Says:
    """Answer the calls in turn."""
    rest = list(answers)

    def says(request: ChatRequest) -> str:
        answer = rest.pop(0)
        return answer if isinstance(answer, str) else answer(request)

    return says


@pytest.mark.parametrize("streams", [True, False])
class TestGoodAnswers:
    async def test_the_words_are_the_models(self, *, streams: bool) -> None:
        talk = await said(reworded, streams=streams)
        assert talk.turns[-1].text.startswith("Look, ")
        note = note_of(talk)
        assert (note.engine, note.why, note.drift) == ("model", None, ())
        assert not note.is_regenerated
        assert [call.model for call in note.calls] == ["saying"]
        assert talk.turns[-1].engine == "model"

    async def test_spaces_are_brought_to_one(self, *, streams: bool) -> None:
        talk = await said(lambda asked: reworded(asked).replace(". ", ".\n\n "), streams=streams)
        assert "  " not in talk.turns[-1].text
        assert "\n" not in talk.turns[-1].text
        assert note_of(talk).engine == "model"


class TestTelling:
    @pytest.mark.parametrize("size", [1, 3, 1000])
    async def test_what_is_told_is_the_line(self, size: int) -> None:
        talk = Talk(SCENARIO, SayingModel(reworded, size=size), seed=3, streams=True)
        reply = await talk.say(HELLO)
        assert "".join(talk.told) == reply.text
        assert len(talk.told) >= 2
        assert note_of(talk).held_ms is not None

    async def test_a_sentence_is_held_until_it_is_whole(self) -> None:
        told_at: list[tuple[int, str]] = []

        class Slow(SayingModel):
            @override
            async def _tell(self, answer: str, listener: Listener) -> bool:
                for heard, char in enumerate(answer, start=1):
                    await listener(char)
                    told_at.append((heard, "".join(talk.told)))
                return True

        talk = Talk(SCENARIO, Slow(reworded), seed=3, streams=True)
        reply = await talk.say(HELLO)
        for heard, told in told_at:
            assert reply.text.startswith(told)
            assert len(told) < heard

    async def test_nobody_reads_along_and_nothing_is_streamed(self) -> None:
        talk = await said(reworded, streams=False)
        assert note_of(talk).held_ms is None

    async def test_of_a_line_that_was_cut_as_well(self) -> None:
        talk = await said(
            lambda asked: f"{draft_of(asked).split('. ')[0]}. As an AI, I cannot go on. Never."
        )
        assert "".join(talk.told) == talk.turns[-1].text


class TestBadAnswers:
    async def test_the_first_sentence_is_bad_and_the_model_is_asked_again(self) -> None:
        talk = await said(then("As an AI language model, I can't be angry.", reworded))
        note = note_of(talk)
        assert (note.engine, note.drift, note.is_regenerated) == ("model", ("meta",), True)
        first, second = asked_of(talk)
        assert (first.number, second.number) == (0, 1)
        assert "correction" not in data_of(first)
        assert "simulations" in str(data_of(second)["correction"])
        assert "AI" not in str(data_of(second))

    async def test_it_is_bad_again_and_the_draft_is_said(self) -> None:
        talk = await said(then("How may I help you today?", "**Fine**"))
        note = note_of(talk)
        assert (note.engine, note.why) == ("embedded", WhyEmbedded.FAILED_CHECKS)
        assert note.drift == ("role_swap", "markup")
        assert len(note.calls) == 2
        assert talk.turns[-1].text == draft(talk) == "".join(talk.told)

    async def test_a_later_sentence_is_bad_and_the_rest_is_embedded(self) -> None:
        talk = await said(
            then("Listen to me. I'd be happy to help you with that. More of it here.")
        )
        note = note_of(talk)
        assert (note.engine, note.why) == ("mixed", WhyEmbedded.FAILED_CHECKS)
        assert note.drift == ("role_swap",)
        assert not note.is_regenerated
        text = talk.turns[-1].text
        assert text.startswith("Listen to me. ")
        assert "happy to help" not in text
        assert draft(talk).endswith(text.removeprefix("Listen to me. ")[-30:])
        assert "".join(talk.told) == text

    @pytest.mark.parametrize("answer", ["", "   \n", "\u200b\u200b"])
    async def test_nothing_is_said(self, answer: str) -> None:
        talk = await said(lambda _: answer)
        assert note_of(talk).engine == "embedded"
        assert talk.turns[-1].text == draft(talk)

    async def test_an_answer_without_end_is_cut_off(self) -> None:
        model = SayingModel(lambda _: "and on " * 2_000_000, size=50_000)
        talk = Talk(SCENARIO, model, seed=3, streams=True)
        await talk.say(HELLO)
        assert note_of(talk).drift == ("too_long",)
        assert talk.turns[-1].text == draft(talk)

    @pytest.mark.parametrize("streams", [True, False])
    async def test_a_sentence_that_broke_off_is_not_said(self, *, streams: bool) -> None:
        model = SayingModel(lambda _: "Listen to me. I have been waiting for", finish="length")
        talk = Talk(SCENARIO, model, seed=3, streams=streams)
        reply = await talk.say(HELLO)
        assert "waiting for" not in reply.text.removesuffix(draft(talk))
        assert note_of(talk).drift == ("unfinished",)
        assert note_of(talk).engine == "mixed"


class TestNoAnswer:
    @pytest.mark.parametrize("why", list(WhyEmbedded))
    async def test_the_draft_is_said_and_the_note_says_why(self, why: WhyEmbedded) -> None:
        talk = await said(lambda _: ModelFailedError(why))
        assert (note_of(talk).engine, note_of(talk).why) == ("embedded", why)
        assert talk.turns[-1].text == draft(talk) == "".join(talk.told)
        assert len(asked_of(talk)) == 1

    async def test_a_stream_that_breaks_is_finished_in_embedded_words(self) -> None:
        class Breaking(SayingModel):
            @override
            async def _tell(self, answer: str, listener: Listener) -> bool:
                await listener("Listen to me. I have been wai")
                raise ModelFailedError(WhyEmbedded.UNREACHABLE)

        talk = Talk(SCENARIO, Breaking(reworded), seed=3, streams=True)
        reply = await talk.say(HELLO)
        note = note_of(talk)
        assert (note.engine, note.why) == ("mixed", WhyEmbedded.UNREACHABLE)
        assert reply.text.startswith("Listen to me. ")
        assert "have been wai" not in reply.text
        assert "".join(talk.told) == reply.text

    async def test_a_model_that_explodes_costs_no_reply(self) -> None:
        talk = await said(lambda _: RuntimeError("boom"))
        assert talk.turns[-1].text == draft(talk)
        note = note_of(talk)
        assert (note.engine, note.why) == ("embedded", WhyEmbedded.FAILED_CHECKS)


class TestNobodyIsAsked:
    async def test_a_test_key_spends_nothing(self) -> None:
        talk = await said(reworded, environment="test")
        assert note_of(talk).why is WhyEmbedded.TEST_KEY
        assert not asked_of(talk)

    async def test_the_tenant_turned_it_off(self) -> None:
        model = SayingModel(reworded, policy=ModelPolicy(disabled=(Task.WORDING,)))
        talk = Talk(SCENARIO, model, seed=3)
        await talk.say(HELLO)
        assert note_of(talk).why is WhyEmbedded.DISABLED
        assert not model.asked

    async def test_there_is_no_endpoint(self) -> None:
        class Nowhere(SayingModel):
            @override
            async def policy(self, tenant_id: UUID) -> ModelPolicy | None:
                return None

        model = Nowhere(reworded)
        talk = Talk(SCENARIO, model, seed=3)
        await talk.say(HELLO)
        assert note_of(talk).why is WhyEmbedded.NO_MODEL
        assert not model.asked


class TestDeadlines:
    async def test_who_reads_along_does_not_wait_for_long(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(model_wording, "HELD_S", 0.05)

        class Stuck(SayingModel):
            @override
            async def _tell(self, answer: str, listener: Listener) -> bool:
                await listener("Listen to")
                await asyncio.Event().wait()
                return True

        talk = Talk(SCENARIO, Stuck(reworded), seed=3, streams=True)
        reply = await talk.say(HELLO)
        assert note_of(talk).why is WhyEmbedded.TIMEOUT
        assert len(note_of(talk).calls) == 1
        assert reply.text == draft(talk)

    async def test_a_first_sentence_gives_the_rest_its_time(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(model_wording, "HELD_S", 0.2)
        late = asyncio.Event()

        class Slow(SayingModel):
            @override
            async def _tell(self, answer: str, listener: Listener) -> bool:
                await listener("Listen to me. Now")
                asyncio.get_running_loop().call_later(0.4, late.set)
                await late.wait()
                await listener(" then.")
                return True

        talk = Talk(SCENARIO, Slow(reworded), seed=3, streams=True)
        await talk.say(HELLO)
        assert note_of(talk).why is not WhyEmbedded.TIMEOUT

    async def test_there_is_no_second_call_without_time_for_it(self) -> None:
        talk = await said(lambda _: "As an AI, I cannot say that.", limit_s=0.5)
        assert len(asked_of(talk)) == 1
        assert talk.turns[-1].text == draft(talk)

    async def test_the_second_call_has_what_the_first_left(self) -> None:
        talk = await said(lambda _: "As an AI, I cannot say that.", limit_s=5.0)
        first, second = asked_of(talk)
        assert second.deadline_s <= first.deadline_s <= 5.0


async def test_grounds_are_kept_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_wording, "GROUNDS", 2)
    library = load_scenarios()[:4]

    model = SayingModel(reworded)
    wording = ModelWording(model, Uuid7Maker())
    grounds = [wording._ground(scenario) for scenario in library]
    assert wording._ground(library[-1]) is grounds[-1]
    assert wording._ground(library[0]) is not grounds[0]
