"""Numbers in a deal, what policy forbids, and what changes mid-way."""

from typing import Any

import msgspec
import pytest

from shared.contracts.scenario import ScenarioSpec
from shared.contracts.simulation import EndReason, Outcome, PersonaState, Surface, outcome_of
from tests.support.acted import causes, customer, marked, minded, say, talk  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("marked")

READY = {"trust": 70, "frustration": 30}


def ready_state(**more: Any) -> tuple[ScenarioSpec, PersonaState]:
    scenario = customer(**more)
    state = minded(scenario, **READY)
    return scenario, msgspec.structs.replace(
        state, turns=4, open_facts=("dropped",), done_steps=("identity",), counts={"objected": 1}
    )


class TestTerms:
    @pytest.mark.parametrize(
        ("text", "surface", "end"),
        [
            ("I can credit $40 to your account.", Surface.ACCEPT, None),
            ("I can give you a credit.", Surface.ACCEPT, None),
            ("I can credit $20 to your account.", Surface.BARGAIN, None),
            ("I can credit $60 to your account.", Surface.ACCEPT, None),
            ("I can credit $90 to your account.", Surface.ACCEPT, EndReason.OUT_OF_POLICY),
            ("You paid $95, and I can credit $40.", Surface.ACCEPT, None),
            ("I can credit not more than $40.", Surface.ACCEPT, None),
        ],
    )
    def test_a_number_decides(self, text: str, surface: Surface, end: EndReason | None):
        scenario, state = ready_state()
        move = say(scenario, state, f"[offer] {text}", seq=9)
        assert (move.surface, move.end_reason) == (surface, end)
        assert (move.state.resolution == "credit") is (surface is Surface.ACCEPT and end is None)
        assert move.state.breaches == (("credit",) if end else ())

    def test_a_low_number_stands_until_another_is_named(self):
        scenario, state = ready_state()
        low = say(scenario, state, "[offer] I can credit $20.", seq=9)
        again = say(scenario, low.state, "[offer] So shall I do the credit?", seq=11)
        assert again.state.resolution is None
        better = say(scenario, again.state, "[offer] Then I can credit $35.", seq=13)
        assert better.state.resolution == "credit"

    def test_a_number_outside_an_offer_counts_for_nothing(self):
        scenario, state = ready_state()
        move = say(scenario, state, "[explain] Others got a credit of $500.", seq=9)
        assert move.state.breaches == ()


class TestForbidden:
    @pytest.mark.parametrize(
        ("text", "breach"),
        [
            ("[offer] I can refund it in full.", True),
            ("[next_step] I'll pay you back in full today.", True),
            ("[concede] Fine, in full then.", True),
            ("[refuse] I can't refund it in full.", False),
            ("[refuse] I can't pay in full, [offer] but I can credit $40.", False),
            ("You asked for a full refund, [offer] and what I can do is a credit.", False),
            ("[offer] I can do a credit rather than a full refund.", False),
            ("[offer] I can credit $40, a full refund isn't possible.", False),
            ("[explain] A full refund needs a receipt.", False),
            ("[explain offer] You can have it in full or in parts, so people choose.", False),
            ("[explain] It broke early, [offer] so I can refund it in full.", True),
            ("[offer] I can credit $40, because a full refund takes long.", False),
            ("[cite_policy] Our policy says no full refund.", False),
            ('[offer] You said "full refund" and I can do a credit.', False),
            ("[recap offer] To recap, we spoke of a full refund.", False),
            ("[open_question] What would a full refund mean to you?", False),
        ],
    )
    def test_only_giving_it_is_a_breach(self, text: str, *, breach: bool):
        scenario = customer()
        move = say(scenario, minded(scenario), text)
        assert move.state.breaches == (("full_refund",) if breach else ())
        assert (move.end_reason is EndReason.OUT_OF_POLICY) is breach
        if breach:
            assert outcome_of(move.state) is Outcome.OUT_OF_POLICY
            assert move.surface is Surface.ACCEPT
            assert move.state.resolution is None

    def test_a_gift_without_bound_is_a_breach_unless_allowed(self):
        text = "[give_away] I'll waive whatever you like."
        strict, free = customer(), customer(allows_give_away=True)
        assert say(strict, minded(strict), text).state.breaches == ("give_away",)
        assert say(free, minded(free), text).end_reason is None
        weak = say(strict, minded(strict), text.replace("give_away", "give_away:1"))
        assert weak.state.breaches == ()

    def test_the_scenarios_own_solution_is_no_gift(self):
        scenario = customer()
        move = say(scenario, minded(scenario), "[give_away offer] I'll send you a new kettle.")
        assert move.state.breaches == ()

    def test_a_breach_after_the_agreement_spoils_the_good_end(self):
        scenario, state = ready_state()
        agreed = say(scenario, state, "[offer] I can credit $40.", seq=9).state
        gave = say(scenario, agreed, "[offer] And I can refund it in full.", seq=11)
        assert gave.end_reason is None
        assert gave.state.breaches == ("full_refund",)
        last = say(scenario, gave.state, "[close] Goodbye then.", seq=13)
        assert last.end_reason is EndReason.OUT_OF_POLICY


TWIST = {
    "key": "guests",
    "title": "the guests come earlier",
    "lines": ["They come on Friday now."],
    "change": {"anxiety": 8, "patience": -4},
}


class TestTwists:
    @pytest.mark.parametrize(
        ("when", "texts", "turn"),
        [
            ({"turn": 3}, ["[thank] Thanks."] * 4, 3),
            ({"after_fact": "dropped"}, ["[open_question] And before that?", "[thank] I see."], 2),
            (
                {"after_proposal": "new_kettle"},
                ["[offer] I can send a new kettle.", "[thank] So."],
                2,
            ),
        ],
    )
    def test_it_happens_once_when_its_condition_holds(
        self, when: dict[str, int | str], texts: list[str], turn: int
    ):
        scenario = customer(twists=[{**TWIST, **when}])
        state = minded(scenario, trust=48)
        numbered = [f"{text} Number {n} here." for n, text in enumerate(texts)]
        moves = talk(scenario, numbered, state=state)
        happened = [n for n, move in enumerate(moves, 1) if move.twist == "guests"]
        assert happened == [turn]
        move = moves[turn - 1]
        assert move.surface is Surface.TWIST
        assert move.state.twists == ("guests",)
        assert "the guests come earlier" in causes(move)
        assert move.state.hint == "Something has changed. Take it in before you go on."

    def test_nothing_changes_once_something_is_agreed(self):
        scenario, state = ready_state(twists=[{**TWIST, "turn": 6}])
        agreed = say(scenario, state, "[offer] I can credit $40.", seq=9)
        assert agreed.state.resolution == "credit"
        assert say(scenario, agreed.state, "[recap] So: $40.", seq=11).twist is None

    def test_it_opens_and_closes_ways_out(self):
        late = {"key": "late", "title": "x", "acts": ["offer"], "topics": ["pot"]}
        resolutions = [{**late, "after_twist": "guests"}]
        scenario = customer(resolutions=resolutions, difficulty=1)
        state = minded(scenario, **READY)
        texts = [f"[offer] I can lend you a pot, number {n}." for n in range(5)]
        assert talk(scenario, texts, state=state)[-1].state.resolution is None
        changing = customer(resolutions=resolutions, difficulty=1, twists=[{**TWIST, "turn": 2}])
        assert talk(changing, texts, state=state)[2].state.resolution == "late"

    def test_a_fact_may_wait_for_it(self):
        fact = {
            "key": "boss",
            "text": "My boss said so.",
            "needs_acts": ["open_question"],
            "needs_topics": ["before"],
            "after_twist": "guests",
        }
        scenario = customer(facts=[fact], resolutions=[], twists=[{**TWIST, "turn": 2}])
        moves = talk(scenario, [f"[open_question] What came before, {n}?" for n in range(3)])
        assert [move.opened for move in moves] == [(), (), ("boss",)]
