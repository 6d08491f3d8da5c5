"""What the scripted learners say, and how the customer's phrases and causes read."""

from collections import Counter

import pytest

from services.sim_worker.engine.conversation import respond, start
from services.sim_worker.engine.learners import next_line
from services.sim_worker.engine.phrases import phrase_text
from services.sim_worker.engine.rules import RULES
from services.sim_worker.engine.wording import word, wording_request
from shared.contracts.scenario import ScenarioSpec, opening_line
from shared.contracts.simulation import Line, Move
from shared.library import load_scenarios

SCENARIOS = load_scenarios()
SEEDS = range(5)


def play(scenario: ScenarioSpec, profile: str, seed: int) -> tuple[list[Move], list[Line]]:
    state = start(scenario)
    moves: list[Move] = []
    lines = [Line(role="customer", text=opening_line(scenario, seed))]
    for seq in range(1, 2 * scenario.max_turns + 2, 2):
        said = next_line(profile, scenario, state, lines, seed=seed)
        if said is None:
            break
        move = respond(scenario, state, said, seed=seed, seq=seq)
        lines += [
            Line(role="agent", text=said),
            Line(role="customer", text=word(scenario, move)),
        ]
        moves.append(move)
        state = move.state
        if move.end_reason:
            break
    return moves, lines


def reflections(scenario: ScenarioSpec, lines: list[Line]) -> list[str]:
    """Return the words with which the learner opened each reflection."""
    return [
        line.text.split(fact.reflected)[0]
        for line in lines
        if line.role == "agent"
        for fact in scenario.facts
        if fact.reflected in line.text
    ]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.slug)
class TestLearners:
    def test_no_reflection_opens_like_another_in_the_conversation(self, scenario: ScenarioSpec):
        used: Counter[str] = Counter()
        for seed in SEEDS:
            opened = reflections(scenario, play(scenario, "skilled", seed)[1])
            assert len(set(opened)) == len(opened)
            used.update(opened)
        assert len(used) >= 3

    def test_time_is_a_cause_only_when_it_moves_something(self, scenario: ScenarioSpec):
        why = RULES.turns["time"].why
        for seed in range(5):
            moves, _ = play(scenario, "average", seed)
            passed = [c.delta for move in moves for c in move.causes if c.why == why]
            assert len(passed) <= len(moves) // RULES.time_every
            assert passed or len(moves) < 2 * RULES.time_every
            assert all(delta < 0 for delta in passed)
            for move in moves:
                sizes = [abs(cause.delta) for cause in move.causes]
                assert sizes == sorted(sizes, reverse=True)


def test_the_same_seed_sounds_different_in_every_scenario():
    warm = "That sounds really hard, and I'm glad you told me."
    for seed in SEEDS:
        said = [
            any(warm in line.text for line in play(scenario, "skilled", seed)[1])
            for scenario in SCENARIOS
        ]
        assert not all(said)


def test_a_phrase_takes_up_only_what_was_said():
    scenario = next(item for item in SCENARIOS if item.role.value == "support")
    heard = {"Okay, calm down.": 0, "That doesn't matter.": 0}
    for said in heard:
        for seed in range(200):
            move = respond(scenario, start(scenario), said, seed=seed, seq=1)
            texts = [phrase_text(scenario, key) for key in move.phrases]
            heard[said] += any(text.startswith("Calm?") for text in texts)
    assert heard["Okay, calm down."] > 0
    assert heard["That doesn't matter."] == 0


def test_wording_sees_who_speaks_but_not_what_moves_them():
    scenario = SCENARIOS[0]
    lines = [Line(role="customer", text=opening_line(scenario, 0))]
    state = start(scenario)
    move = respond(scenario, state, "Hello, what happened?", seed=0, seq=1)
    request = wording_request(scenario, state, move, lines, seed=0, seq=1)
    assert (request.name, request.style) == (scenario.persona.name, scenario.persona.style)
    assert not {"persona", "soft_spots", "triggers"} & set(type(request).__struct_fields__)
