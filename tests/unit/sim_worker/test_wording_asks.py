"""Which questions of the customer want an answer, and of what kind."""

import pytest
from msgspec.structs import replace

from services.sim_worker.engine.asking import question_kind
from services.sim_worker.engine.phrases import asks
from shared.contracts.scenario import ScenarioSpec
from shared.library import load_scenarios

SCENARIO = load_scenarios()[0]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("When, exactly?", "when"),
        ("Nobody says it: when do I get it?", "when"),
        ("Fine. And how long does that take?", "when"),
        ("Which day would that be?", "when"),
        ("And who makes sure of that?", "who"),
        ("Will you still be the person I talk to?", "who"),
        ("How do you know it won't go wrong again?", "how"),
        ("So how do we do this?", "how"),
        ("Why did nobody call me?", "why"),
        ("How much is that a month?", "what"),
        ("Okay. What next?", "what"),
        ("And {my_topic}? What are you going to do?", "what"),
        ("How will I know that it's done?", "sure"),
        ("And you're sure that nothing has gone out?", "sure"),
        ("Is my money there?", "sure"),
        ("What if it happens again?", "sure"),
        ("I'm waiting.", None),
        ("Hello?", None),
        ("Do I look like a bank?", None),
        ("Are you kidding?", None),
        ("Why would I believe that?", None),
        ("What? I was asleep.", None),
    ],
)
def test_the_kind_of_a_question(text: str, kind: str | None):
    assert question_kind(text) == kind


def _with(**lines: tuple[str, ...]) -> ScenarioSpec:
    return replace(SCENARIO, voice=replace(SCENARIO.voice, **lines))


def test_the_last_phrase_that_asks_counts():
    scenario = _with(press=("When will it come?",), test=("Who does that?",))
    assert asks(scenario, ("v:press:0",)) == "when"
    assert asks(scenario, ("v:press:0", "v:test:0")) == "who"


def test_outbursts_and_reactions_ask_nothing():
    scenario = _with(vent=("Why is nobody doing anything?",), sarcasm=("What else is new?",))
    assert asks(scenario, ("v:vent:0",)) is None
    assert asks(scenario, ("v:sarcasm:0",)) is None
    assert asks(scenario, ("r:hold:1:0",)) is None


def test_nothing_said_asks_nothing():
    assert asks(SCENARIO, ()) is None
