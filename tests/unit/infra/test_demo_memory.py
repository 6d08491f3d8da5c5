"""What the demo pieces together from replies must lead to the lines that the service itself plays."""

import pytest

from infra.demo.memory import first_impression, notice
from infra.demo.part_practice import PROFILES
from infra.demo.views import Turn
from services.sim_worker.engine.conversation import respond, start
from services.sim_worker.engine.learners import next_line
from shared.contracts.scenario import opening_line
from shared.contracts.simulation import Line
from shared.library import load_scenarios


def turn(seq, text, move=None, mind=None):
    return Turn(
        id="turn_x",
        seq=seq,
        role="customer",
        text=text,
        mind=move.state.mind if move else mind,
        surface=move.surface.value if move else None,
        acts=move.acts if move else None,
        causes=move.causes if move else None,
    )


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("scenario", load_scenarios(), ids=lambda spec: spec.slug)
def test_the_learner_says_the_same_with_pieced_together_memory(scenario, profile):
    lines = [Line(role="customer", text=opening_line(scenario, 7))]
    state = start(scenario)
    known = first_impression(scenario, turn(0, lines[0].text, mind=state.mind))
    for _ in range(scenario.max_turns):
        said = next_line(profile, scenario, state, lines, seed=7)
        assert next_line(profile, scenario, known, lines, seed=7) == said
        if said is None:
            break
        move = respond(
            scenario,
            state,
            said,
            previous_customer=lines[-1].text,
            seed=7,
            seq=len(lines),
        )
        told = " ".join(fact.text for fact in scenario.facts if fact.key in move.opened)
        reply = turn(len(lines) + 1, told or "Hm.", move)
        known = notice(scenario, known, said, reply)
        lines += [Line(role="agent", text=said), Line(role="customer", text=reply.text)]
        state = move.state
        if move.end_reason:
            break
    assert known.open_facts == state.open_facts
