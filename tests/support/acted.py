"""Turns whose acts are given, and a small customer: tests of rules do not hang on vocabulary."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import pytest

from services.sim_worker.engine import appraisal
from services.sim_worker.engine.conversation import respond, start
from services.sim_worker.engine.wording import word
from shared.contracts.dialogue import Act, ActSpan, Topic, TurnAnalysis
from shared.contracts.scenario import ScenarioSpec
from shared.contracts.simulation import Line, Move, PersonaState
from shared.dialogue.analyzer import analyze

_MARK = re.compile(r"\[([a-z_:0-9@ ]+)\]\s*")

CUSTOMER: dict[str, Any] = {
    "slug": "support-plain-kettle",
    "title": "The kettle",
    "role": "support",
    "temper": "frustrated",
    "difficulty": 2,
    "language": "en",
    "brief": "Help.",
    "goals": ["Help."],
    "persona": {
        "name": "Ada Brook",
        "summary": "Runs a tea room.",
        "style": "plain",
        "sore_points": [
            {"stems": ["brother"], "why": "brought up her brother", "change": {"trust": -4}}
        ],
        "warm_points": [
            {"stems": ["tea room"], "why": "spoke of her tea room", "change": {"trust": 3}}
        ],
    },
    "opening": {
        "lines": ["My kettle broke."],
        "mind": {
            "trust": 40,
            "frustration": 50,
            "patience": 60,
            "clarity": 50,
            "anxiety": 40,
            "fairness": 50,
        },
    },
    "case": {"topic": "the kettle", "my_topic": "my kettle", "company": "Brightwater"},
    "facts": [
        {
            "key": "dropped",
            "text": "I dropped it in May.",
            "needs_acts": ["open_question"],
            "needs_topics": ["before"],
            "min_trust": 44,
            "guard": ["I'd rather not say."],
            "partial": "Well, it had a rough spring.",
        },
        {
            "key": "wedding",
            "text": "There is a wedding on Saturday.",
            "needs_acts": ["open_question"],
            "needs_topics": ["hurry"],
            "min_trust": 60,
            "volunteer_trust": 75,
        },
        {
            "key": "cousin",
            "text": "My cousin paid for it.",
            "needs_acts": ["open_question"],
            "needs_topics": ["paid"],
            "min_trust": 30,
            "max_frustration": 45,
            "after_facts": ["dropped"],
        },
    ],
    "steps": [
        {"key": "identity", "title": "confirm your name", "acts": ["verify_identity"]},
        {"key": "recap", "title": "sum up", "acts": ["recap"]},
    ],
    "resolutions": [
        {
            "key": "credit",
            "title": "credit $40 to your account",
            "acts": ["offer"],
            "topics": ["credit"],
            "needs_facts": ["dropped"],
            "needs_steps": ["identity"],
            "min_trust": 50,
            "max_frustration": 60,
            "terms": [
                {"kind": "money", "about": ["credit"], "accept_min": 3000, "policy_max": 6000}
            ],
        },
        {
            "key": "new_kettle",
            "title": "send a new kettle",
            "acts": ["offer"],
            "topics": ["new kettle"],
            "min_trust": 50,
            "max_frustration": 60,
        },
    ],
    "rubric": "support",
    "max_turns": 14,
    "idle_timeout_s": 900,
    "expected_handle_time_s": 300,
    "answers": [
        {
            "key": "name",
            "text": "Ada Brook.",
            "acts": ["verify_identity"],
        },
        {
            "key": "bought",
            "text": "In March, in your shop.",
            "acts": ["closed_question"],
            "topics": ["bought", "shop"],
        },
    ],
    "voice": {
        "test": ["And when will that be?", "When do I get it?"],
        "object": ["That is not enough."],
        "press": ["I need a kettle."],
        "vent": ["This is too much."],
        "remind": ["I asked you when."],
        "insult": {"1": ["You're slow."], "2": ["You're useless."], "3": ["You idiot."]},
    },
    "forbidden": [
        {"key": "full_refund", "title": "refund it in full", "topics": ["in full", "full refund"]}
    ],
}
"""A customer with a rule of each kind."""


def customer(**changes: Any) -> ScenarioSpec:
    """Return the small customer with some fields changed."""
    return msgspec.convert({**CUSTOMER, **changes}, ScenarioSpec)


def minded(scenario: ScenarioSpec, **levels: int) -> PersonaState:
    """Return the state before the first learner turn, with some levels of the mind changed."""
    state = start(scenario)
    return msgspec.structs.replace(state, mind=msgspec.structs.replace(state.mind, **levels))


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `[act:strength@topic]` before a sentence say its acts; text without marks is analyzed."""
    # In place of the remembered one: two turns that differ in their marks only are equal as texts.
    monkeypatch.setattr(
        appraisal, "_analyzed", lambda text, before: _analyze(text, previous_customer=before)
    )


class Marked(str):
    """A turn without its marks, which remembers them."""

    __slots__ = ("acts",)
    acts: tuple[ActSpan, ...]


def turn(text: str) -> Marked:
    """Return a turn whose marks say its acts: `[offer] I can send one. [open_question:3] Okay?`."""
    spans: list[ActSpan] = []
    plain = ""
    pieces = _MARK.split(text)
    for marks, sentence in zip(pieces[1::2], pieces[2::2], strict=True):
        begin, plain = len(plain), plain + sentence
        spans += [_span(mark, begin, len(plain.rstrip())) for mark in marks.split()]
    said = Marked(pieces[0] + plain)
    said.acts = tuple(
        msgspec.structs.replace(x, start=x.start + len(pieces[0]), end=x.end + len(pieces[0]))
        for x in spans
    )
    return said


def _span(mark: str, start: int, end: int) -> ActSpan:
    name, _, topic = mark.partition("@")
    act, _, strength = name.partition(":")
    return ActSpan(
        act=Act(act),
        start=start,
        end=end,
        strength=int(strength or 2),
        topic=Topic(topic) if topic else None,
    )


def _analyze(text: str, **given: Any) -> TurnAnalysis:
    if not isinstance(text, Marked):
        return analyze(text, **given)
    return TurnAnalysis(
        acts=text.acts, words=len(text.split()), sentences=1, questions=text.count("?")
    )


def say(
    scenario: ScenarioSpec, state: PersonaState, text: str, *, seq: int = 1, **given: Any
) -> Move:
    """Return the answer to one turn, marks read."""
    return respond(scenario, state, turn(text), seed=0, seq=seq, **given)


def talk(
    scenario: ScenarioSpec,
    texts: Sequence[str],
    *,
    state: PersonaState | None = None,
    **given: Any,
) -> list[Move]:
    """Return the answers to turns, until one ends the conversation."""
    state = state or start(scenario)
    moves: list[Move] = []
    for place, text in enumerate(texts):
        moves.append(say(scenario, state, text, seq=2 * place + 1, **given))
        state = moves[-1].state
        if moves[-1].end_reason:
            break
    return moves


def causes(move: Move) -> Mapping[str, int]:
    """Return the causes of a reply with the points that each moved in all, without signs."""
    found: dict[str, int] = {}
    for cause in move.causes:
        found[cause.why] = found.get(cause.why, 0) + abs(cause.delta)
    return found


def heard(scenario: ScenarioSpec, moves: Sequence[Move]) -> Iterator[Line]:
    """Yield the customer's lines."""
    for move in moves:
        yield Line(role="customer", text=word(scenario, move))
