"""The audit finds ends that do not follow from the state."""

import pytest
from msgspec.structs import replace

from shared.audit.audit import audit
from shared.contracts.simulation import Fault, PersonaState, Surface
from tests.support.audited import AFTER, CALM, SCENARIO, codes, talk

AGREED = replace(AFTER, open_facts=("inspector",), resolution="technician", accepted_at=1)
SPENT = replace(AFTER, mind=replace(CALM, patience=5), warnings=1)


class TestEnds:
    @pytest.mark.parametrize(
        ("reason", "surface", "state"),
        [
            ("goal_met", Surface.FAREWELL, AGREED),
            ("customer_left", Surface.HANG_UP, SPENT),
            ("max_turns", Surface.FAREWELL, replace(AFTER, turns=8)),
            ("out_of_policy", Surface.ACCEPT, replace(AFTER, breaches=("give_away",))),
            ("out_of_policy", Surface.FAREWELL, replace(AGREED, breaches=("give_away",))),
            ("escalated", Surface.FAREWELL, AFTER),
            ("budget", Surface.FAREWELL, AFTER),
            ("learner_ended", Surface.FAREWELL, AFTER),
            ("learner_ended", Surface.ANSWER, AFTER),
            ("idle", Surface.ANSWER, AFTER),
            ("cancelled", Surface.ANSWER, AFTER),
            (None, Surface.ANSWER, AFTER),
        ],
    )
    def test_a_right_end_is_fine(
        self, reason: str | None, surface: Surface, state: PersonaState
    ) -> None:
        assert codes("So long.", state=state, surface=surface, end_reason=reason) == []

    @pytest.mark.parametrize(
        ("reason", "surface", "state", "subject"),
        [
            ("goal_met", Surface.FAREWELL, AFTER, ""),
            ("goal_met", Surface.FAREWELL, replace(AGREED, resolution="magic"), ""),
            ("goal_met", Surface.FAREWELL, replace(AGREED, breaches=("give_away",)), ""),
            ("goal_met", Surface.FAREWELL, replace(AGREED, open_facts=()), "inspector"),
            (
                "goal_met",
                Surface.FAREWELL,
                replace(AGREED, mind=replace(CALM, trust=49)),
                "technician",
            ),
            ("goal_met", Surface.ANSWER, AGREED, ""),
            ("customer_left", Surface.HANG_UP, AFTER, ""),
            ("customer_left", Surface.HANG_UP, replace(SPENT, warnings=0), ""),
            ("customer_left", Surface.FAREWELL, SPENT, ""),
            ("max_turns", Surface.FAREWELL, replace(AFTER, turns=7), ""),
            ("max_turns", Surface.FAREWELL, replace(AGREED, turns=8), ""),
            ("max_turns", Surface.VENT, replace(AFTER, turns=8), ""),
            ("out_of_policy", Surface.ACCEPT, AFTER, ""),
            ("escalated", Surface.FAREWELL, AGREED, ""),
            ("escalated", Surface.OBJECT, AFTER, ""),
            ("idle", Surface.FAREWELL, AFTER, ""),
            (None, Surface.FAREWELL, AFTER, ""),
            (None, Surface.HANG_UP, SPENT, ""),
            ("learner_ended", Surface.HANG_UP, SPENT, ""),
        ],
    )
    def test_a_wrong_end_is_found(
        self, reason: str | None, surface: Surface, state: PersonaState, subject: str
    ) -> None:
        found = audit(SCENARIO, talk("So long.", state=state, surface=surface), reason)
        assert found == (Fault(code="wrong_end", seq=2, subject=subject),)

    def test_trust_counts_when_it_was_agreed_not_at_the_end(self) -> None:
        turns = talk("All right.", "Goodbye.", state=AGREED)
        later = replace(AGREED, mind=replace(CALM, trust=40))
        turns[-1] = replace(turns[-1], state=later, surface=Surface.FAREWELL)
        assert audit(SCENARIO, turns, "goal_met") == ()

    def test_talking_after_the_end_is_found(self) -> None:
        turns = talk("Goodbye then.", "One more thing.")
        turns[2] = replace(turns[2], surface=Surface.FAREWELL)
        assert audit(SCENARIO, turns, "learner_ended") == (Fault(code="wrong_end", seq=4),)

    def test_talking_beyond_the_turns_is_found(self) -> None:
        assert codes("Well.", state=replace(AFTER, turns=9)) == ["wrong_end"]

    def test_an_unknown_end_is_refused(self) -> None:
        with pytest.raises(ValueError, match="bored"):
            audit(SCENARIO, talk("Well."), "bored")
