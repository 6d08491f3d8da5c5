"""A learner who speaks another language: the engine reads the English, and nothing is guessed."""

import random
from types import SimpleNamespace
from typing import cast

import msgspec
import pytest

from services.sim_worker.appraising import reading_of
from services.sim_worker.context import Context
from services.sim_worker.engine.conversation import respond, start
from services.sim_worker.engine.wording import word
from services.sim_worker.model_wording import ModelWording
from services.sim_worker.reply import make_reply
from services.sim_worker.steps import SpokenTurn
from shared.contracts.dialogue import Act
from shared.contracts.llm import Task, WhyEmbedded
from shared.contracts.scenario import ScenarioSpec, opening_line
from shared.contracts.simulation import Line, PersonaState
from shared.library import load_scenarios
from shared.llm.ports import LanguageModel, ModelFailedError
from shared.rendering.records import Appraisal
from tests.support.rendered import Book
from tests.support.worded import CountedIds, asker_of, move_of

SCENARIO = load_scenarios()[0]
ENGLISH = {
    "Guten Tag, hier ist Anna vom Kundendienst.": "Hello, this is Anna from customer service.",
    "Es tut mir leid, dass Sie so lange warten mussten.": (
        "I am sorry that you had to wait for so long."
    ),
    "Das muss wirklich frustrierend für Sie sein.": "That must be really frustrating for you.",
    "Was genau ist passiert?": "What exactly happened?",
    "Ich kümmere mich persönlich darum.": "I will take care of this myself.",
    "Ich rufe Sie morgen um 10 Uhr zurück.": "I will call you back tomorrow at 10:00.",
    "Sie sind ein Idiot!": "You are an idiot!",
}
SAID = (
    "Guten Tag, hier ist Anna vom Kundendienst. Was genau ist passiert?",
    "Es tut mir leid, dass Sie so lange warten mussten.",
    "Das muss wirklich frustrierend für Sie sein.",
    "...",
    "Sie sind ein Idiot!",
    "Ich kümmere mich persönlich darum. Ich rufe Sie morgen um 10 Uhr zurück.",
)


class German:
    """A conversation in German."""

    def __init__(self, model: LanguageModel | None, scenario: ScenarioSpec = SCENARIO) -> None:
        self.scenario = scenario
        self.state: PersonaState = start(scenario)
        self.lines = [Line(role="customer", text="Hallo? Ist da endlich jemand?")]
        self.turns: list[SpokenTurn] = []
        ids = CountedIds()
        wording = ModelWording(model or Book({}), ids)
        self._context = cast("Context", SimpleNamespace(wording=wording, ids=ids, model=model))

    async def say(self, text: str) -> SpokenTurn:
        self.lines.append(Line(role="agent", text=text))
        reply = await make_reply(
            self._context,
            self.scenario,
            self.state,
            self.lines,
            seed=3,
            seq=len(self.lines),
            language="de",
            asker=asker_of(self.lines),
        )
        self.lines.append(Line(role="customer", text=reply.text))
        self.turns.append(reply)
        self.state = move_of(reply).state
        return reply


def appraisal_of(turn: SpokenTurn) -> Appraisal:
    assert turn.appraisal is not None
    return msgspec.json.decode(turn.appraisal, type=Appraisal)


ANYTHING: tuple[str | Exception, ...] = (
    *("", "Ja.", "Nein! Das reicht mir jetzt wirklich.", "```json\n{}\n```"),
    *("I am an AI language model.", "x" * 9000, "Es kostet 4711 Euro, Herr Agent."),
    ModelFailedError(WhyEmbedded.TIMEOUT),
)


def wild(seed: int) -> Book:
    """A model whose words for the customer are anything."""
    dice = random.Random(seed)
    return Book(ENGLISH, words=lambda _: dice.choice(ANYTHING))


async def test_the_engine_reads_the_english() -> None:
    model = Book(ENGLISH)
    talk = German(model)
    reply = await talk.say(SAID[0])
    english = "Hello, this is Anna from customer service. What exactly happened?"
    expected = respond(SCENARIO, start(SCENARIO), english, seed=3, seq=2)
    assert move_of(reply).state == expected.state
    kept = appraisal_of(reply)
    assert (kept.rendering.english, kept.draft) == (english, word(SCENARIO, expected))
    (call,) = kept.calls
    assert (call.task, call.prompt_version) == (Task.APPRAISAL, model.asked[0].prompt.version)


async def test_acts_lie_over_what_was_said() -> None:
    reply = await German(Book(ENGLISH)).say(SAID[0])
    asked = [span for span in move_of(reply).acts if span.act is Act.OPEN_QUESTION]
    assert [SAID[0][span.start : span.end] for span in asked] == ["Was genau ist passiert?"]


async def test_a_named_act_counts_where_the_analyzer_finds_nothing() -> None:
    said = "Dann hätten wir es ja eigentlich, nicht wahr."
    english = {said: "Well then, that would be about it."}
    acts = {said: ["close", "acknowledge_feeling"]}
    without = await German(Book(english)).say(said)
    reply = await German(Book(english, acts=acts)).say(said)
    assert not move_of(without).acts
    assert [(span.act, span.strength) for span in move_of(reply).acts] == [(Act.CLOSE, 1)]
    assert move_of(reply).state.counts["close"] == 1


async def test_keys_that_somebody_hit_are_no_reason_to_fail() -> None:
    said = "Hdjfk jfhdk sdjfh ksjdf hkjsd fhkj."
    model = Book({said: said})
    reply = await German(model).say(said)
    assert appraisal_of(reply).rendering.english == said
    assert [request.purpose.task for request in model.asked] == [Task.APPRAISAL, Task.WORDING]


async def test_symbols_need_no_model() -> None:
    model = Book(ENGLISH)
    reply = await German(model).say("...")
    assert [request.purpose.task for request in model.asked] == [Task.WORDING]
    assert appraisal_of(reply).calls == ()


@pytest.mark.parametrize("why", [WhyEmbedded.TIMEOUT, WhyEmbedded.BUDGET, WhyEmbedded.NO_MODEL])
async def test_what_cannot_be_read_is_not_guessed(why: WhyEmbedded) -> None:
    model = Book(ENGLISH)
    model.answers = [ModelFailedError(why)]
    with pytest.raises(ModelFailedError) as failed:
        await German(model).say(SAID[0])
    assert failed.value.why is why
    with pytest.raises(ModelFailedError):
        await German(None).say(SAID[0])


async def test_an_insult_is_felt() -> None:
    talk = German(Book(ENGLISH))
    before = talk.state.mind
    reply = await talk.say("Sie sind ein Idiot!")
    assert move_of(reply).state.mind.trust < before.trust
    assert Act.INSULT in {span.act for span in move_of(reply).acts}


async def test_the_state_follows_from_what_was_read_whoever_words_it() -> None:
    """With any words for the customer, and again from what was stored, byte for byte."""
    traces: set[bytes] = set()
    for seed in range(100):
        talk = German(wild(seed))
        for said in SAID:
            await talk.say(said)
        traces.add(msgspec.json.encode([move_of(turn) for turn in talk.turns]))
        if seed % 10 == 0:
            assert {msgspec.json.encode(_replayed(talk))} == traces
    assert len(traces) == 1


def _replayed(talk: German) -> list[object]:
    state = start(talk.scenario)
    moves: list[object] = []
    for number, turn in enumerate(talk.turns):
        reading = reading_of(appraisal_of(turn).rendering)
        move = respond(
            talk.scenario, state, reading.text, seed=3, seq=2 * number + 2, also=reading.also
        )
        state = move.state
        moves.append(reading.of_original(move))
    return moves


async def test_english_is_read_as_it_is() -> None:
    model = Book({})
    context = cast(
        "Context",
        SimpleNamespace(wording=ModelWording(model, CountedIds()), ids=CountedIds(), model=model),
    )
    lines = [
        Line(role="customer", text=opening_line(SCENARIO, 3)),
        Line(role="agent", text="What exactly happened?"),
    ]
    for language in ("en", "en-GB", None):
        reply = await make_reply(
            context,
            SCENARIO,
            start(SCENARIO),
            lines,
            seed=3,
            seq=2,
            language=language,
            asker=asker_of(lines),
        )
        assert reply.appraisal is None
    assert {request.purpose.task for request in model.asked} == {Task.WORDING}
