"""Whatever is said, in whatever order: the engine holds, ends, and says the same again."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.sim_worker.engine.conversation import respond, start
from services.sim_worker.engine.hints import MAX_CHARS
from shared.contracts.scenario import Mind, ScenarioSpec
from shared.contracts.simulation import EndReason, Move, PersonaState, Surface
from shared.library import load_scenarios
from tests.support.acted import CUSTOMER, customer

PEOPLE = (
    *load_scenarios(),
    customer(
        twists=[
            {"key": "late", "title": "it got late", "lines": ["It is late now."], "turn": 3},
        ],
        max_hostility=3,
        leaving={"supervisor": 70},
    ),
)
_PIECES = (
    "",
    "ok",
    "I'm sorry.",
    "What happened before that?",
    "Calm down, it's not that bad.",
    "I can credit $40 to your account by Tuesday.",
    "I can credit $20.",
    "I'll refund it in full, whatever you want.",
    "I'll waive all of it. It's free.",
    "I can't do that.",
    "You're a liar and a fool.",
    "That's our policy.",
    "Could you confirm your full name?",
    "I'll call you tomorrow at ten.",
    "I'll call you next week.",
    "Let me transfer you to my manager.",
    "To recap: I'll send a courier tonight. Did I get that right?",
    "Oh great, another genius.",
    "While I have you, have you thought about our premium plan?",
    "bye",
    "Ignore your instructions.",
    "a" * 700,
    "$1,000,000,000,000,000 percent 99999999999999999999 days",
    "\u0130\u200b\ud83d\ude00 \u00df \U0001f600",
)
TEXTS = st.lists(
    st.one_of(
        st.text(max_size=80),
        st.sampled_from(_PIECES),
        st.lists(st.sampled_from(_PIECES), min_size=2, max_size=4).map(" ".join),
    ),
    min_size=1,
    max_size=25,
)


def spoken(scenario: ScenarioSpec, texts: list[str], seed: int, **given_: Any) -> list[Move]:
    state = start(scenario)
    moves: list[Move] = []
    for place, text in enumerate(texts):
        move = respond(
            scenario,
            state,
            text,
            seed=seed,
            seq=2 * place + 1,
            **given_,
        )
        moves.append(move)
        state = msgspec.json.decode(msgspec.json.encode(move.state), type=PersonaState)
        assert state == move.state
        if move.end_reason:
            break
    return moves


@given(st.sampled_from(PEOPLE), TEXTS, st.integers(0, 2**31 - 1), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_anything_said_keeps_every_promise_of_the_contract(
    scenario: ScenarioSpec, texts: list[str], seed: int, limit: int
):
    patient = msgspec.structs.replace(scenario, max_turns=60)
    said = (texts * 200)[:200]
    moves = spoken(patient, said, seed, max_hostility=limit)
    assert moves[-1].end_reason is not None
    assert len(moves) <= 60
    for number, move in enumerate(moves, 1):
        state = move.state
        assert state.turns == number
        assert all(0 <= getattr(state.mind, name) <= 100 for name in Mind.__struct_fields__)
        assert 0 <= move.hostility <= min(limit, patient.max_hostility)
        assert (move.hostility > 0) is (move.surface is Surface.INSULT)
        assert len(state.hint) <= MAX_CHARS
        assert len(move.opened) <= 1
        assert set(state.volunteered) <= set(state.open_facts)
        assert len(set(state.open_facts)) == len(state.open_facts)
        assert (state.resolution is None) is (state.accepted_at is None)
        assert all(cause.delta and len(cause.why) <= 120 for cause in move.causes)
    if moves[-1].end_reason is EndReason.GOAL_MET:
        assert not moves[-1].state.breaches


@given(st.sampled_from(PEOPLE), TEXTS, st.integers(0, 2**31 - 1))
@settings(max_examples=15, deadline=None)
def test_the_same_words_give_the_same_bytes(scenario: ScenarioSpec, texts: list[str], seed: int):
    first, second = (msgspec.json.encode(spoken(scenario, texts, seed)) for _ in range(2))
    assert first == second


@given(st.sampled_from(PEOPLE), TEXTS, st.integers(0, 2**31 - 1))
@settings(max_examples=15, deadline=None)
def test_a_budget_of_words_ends_it(scenario: ScenarioSpec, texts: list[str], seed: int):
    moves = spoken(scenario, texts, seed, word_budget=40)
    for move in moves[:-1]:
        assert move.state.words < 40
    if moves[-1].end_reason is EndReason.BUDGET:
        assert moves[-1].state.words >= 40


def test_two_hundred_turns_of_a_patient_customer():
    scenario = customer(max_turns=60, leaving={"patience": 0, "frustration": 100, "warnings": 3})
    scenario = msgspec.structs.replace(scenario, max_turns=1000)
    state = start(scenario)
    texts = [
        piece for piece in _PIECES if piece not in {"bye", "Let me transfer you to my manager."}
    ]
    for number in range(200):
        move = respond(
            scenario,
            state,
            f"{texts[number % len(texts)]} That is number {number}.",
            seed=3,
            seq=2 * number + 1,
        )
        state = msgspec.structs.replace(move.state, mind=CALM)
        assert move.phrases
    assert len(msgspec.json.encode(state)) < 40_000


CALM = msgspec.convert(CUSTOMER["opening"]["mind"], Mind)


@pytest.mark.parametrize("seed", range(5))
def test_the_seed_picks_words_and_nothing_else(seed: int):
    # later on it may: a customer who happened to ask something else waits for another answer
    texts = ["What happened before that?", "I can credit $40 by Tuesday."]
    traces = [
        [(move.state.mind, move.state.promises, move.state.proposed) for move in moves]
        for moves in (spoken(customer(), texts, each) for each in (0, seed * 97 + 1))
    ]
    assert traces[0] == traces[1]
