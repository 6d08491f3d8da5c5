"""What a simulation hands over to the judge: the mind and the outcome."""

import msgspec
import pytest

from services.scoring_worker.minds import known_outcome, mind_shifts
from services.sim_worker.engine.conversation import start
from shared.contracts.simulation import Cause, EndReason
from shared.library import load_scenarios

SCENARIO = next(spec for spec in load_scenarios() if spec.twists)
STATE = start(SCENARIO)


def cause(why: str) -> Cause:
    return Cause(dimension="trust", delta=-3, why=why)


def test_changes_come_with_their_cause_and_without_what_no_answer_made():
    answers = [("t1", [cause("put policy first"), cause("time passed")])]
    answers.append(("t3", [cause(SCENARIO.twists[0].title)]))
    found = mind_shifts(SCENARIO, answers)
    assert [item.turn_id for item in found] == ["t1", "t3"]
    assert found[0].changes == (("trust", -3, "put policy first"),)
    assert found[1].changes == ()


@pytest.mark.parametrize(
    ("changes", "end", "outcome"),
    [
        ({"resolution": "new_router"}, EndReason.GOAL_MET, "resolved"),
        ({}, EndReason.CUSTOMER_LEFT, "unresolved"),
        ({"resolution": "x", "breaches": ("give_away",)}, EndReason.OUT_OF_POLICY, "unresolved"),
        ({"resolution": "new_router"}, EndReason.CANCELLED, None),
        ({}, EndReason.FAILED, None),
        ({}, None, None),
    ],
)
def test_outcomes(changes, end, outcome):
    state = msgspec.structs.replace(STATE, **changes)
    assert known_outcome(state, None if end is None else end.value) == outcome


def test_without_a_state_nobody_knows():
    assert known_outcome(None, EndReason.GOAL_MET.value) is None
