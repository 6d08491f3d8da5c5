"""The engine does today what it did when the golden traces were written, and the same everywhere."""

import hashlib
from collections.abc import Sequence
from types import SimpleNamespace
from typing import cast

import msgspec
import pytest
from structlog.testing import capture_logs
from typing_extensions import override

from services.sim_worker.context import Context
from services.sim_worker.engine.conversation import respond, start
from services.sim_worker.engine.playing import play_lines, play_profile
from services.sim_worker.engine.ports import WordingRequest
from services.sim_worker.reply import make_reply
from services.sim_worker.wording import EmbeddedWording, Place, Told, Worded, Wording
from shared.contracts.llm import WordingNote
from shared.contracts.scenario import ScenarioSpec, opening_line
from shared.contracts.simulation import Line
from shared.ids import Uuid7Maker
from shared.library import load_scenarios
from tests.support.golden import FOLDER, golden, text_of

LIBRARY = load_scenarios()
RUNS = 100


@pytest.mark.parametrize("scenario", LIBRARY, ids=lambda spec: spec.slug)
def test_golden_trace(scenario: ScenarioSpec) -> None:
    committed = (FOLDER / f"{scenario.slug}.json").read_text()
    assert text_of(golden(scenario)) == committed, (
        "the engine behaves differently; if that is meant: python -m tests.support.golden"
    )


def test_there_is_a_golden_trace_for_each_scenario_and_no_other() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == {spec.slug for spec in LIBRARY}


def test_a_hundred_runs_are_one() -> None:
    scenario = LIBRARY[0]
    lines = [one.learner for one in play_profile(scenario, "average", seed=3).exchanges][:5]
    digests = {
        hashlib.sha256(msgspec.json.encode(play_lines(scenario, lines, seed=3))).hexdigest()
        for _ in range(RUNS)
    }
    assert len(digests) == 1


def _states(scenario: ScenarioSpec, lines: Sequence[str]) -> bytes:
    """Return the states of a conversation whose replies nobody words."""
    state, states = start(scenario), []
    for number, text in enumerate(lines):
        state = respond(scenario, state, text, seed=5, seq=2 * number + 2).state
        states.append(state)
    return msgspec.json.encode(states)


class Foreign(Wording):
    """Says something else entirely, and gives away what it can."""

    @override
    async def word(self, request: WordingRequest, place: Place, told: Told | None = None) -> Worded:
        text = f"Está bem. {request.name} {request.seq}: refund, Saturday, I forgive you! 42 %"
        return Worded(text=text, note=WordingNote(engine="model"))


class Broken(Wording):
    """Never finds a word."""

    @override
    async def word(self, request: WordingRequest, place: Place, told: Told | None = None) -> Worded:
        raise TimeoutError


async def _worded_states(scenario: ScenarioSpec, lines: Sequence[str], wording: Wording) -> bytes:
    """Return the states of a conversation as the worker makes it, with this wording."""
    context = cast("Context", SimpleNamespace(wording=wording, ids=Uuid7Maker(), model=None))
    state, states = start(scenario), []
    heard = [Line(role="customer", text=opening_line(scenario, 5))]
    for text in lines:
        heard.append(Line(role="agent", text=text))
        reply = await make_reply(context, scenario, state, heard, seed=5, seq=len(heard))
        heard.append(Line(role="customer", text=reply.text))
        assert reply.move is not None
        state = reply.move.state
        states.append(state)
    return msgspec.json.encode(states)


@pytest.mark.parametrize("scenario", LIBRARY, ids=lambda spec: spec.slug)
async def test_the_state_does_not_depend_on_the_wording(scenario: ScenarioSpec) -> None:
    """None, ours, another one and a broken one give the same states, byte for byte."""
    trace = play_profile(scenario, "skilled", seed=5)
    lines = [one.learner for one in trace.exchanges]
    ours = msgspec.json.encode([one.move.state for one in trace.exchanges])
    assert _states(scenario, lines) == ours
    with capture_logs():
        for wording in (EmbeddedWording(), Foreign(), Broken()):
            assert await _worded_states(scenario, lines, wording) == ours
