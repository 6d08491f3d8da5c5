"""How far a customer goes, what they do besides answering, and how a conversation ends."""

from itertools import pairwise
from typing import Any

import msgspec
import pytest

from services.sim_worker.engine.hints import CONDITIONS, HINTS, MAX_CHARS
from shared.contracts.scenario import ScenarioSpec, Temper
from shared.contracts.simulation import EndReason, PersonaState, Surface
from tests.support.acted import customer, marked, minded, say, talk  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("marked")

INSULT = "[insult] You fool."
AGREED = {"resolution": "new_kettle", "accepted_at": 4, "turns": 4}


def with_state(scenario: ScenarioSpec, **changes: Any) -> PersonaState:
    levels = {"trust": 60, "frustration": 30}
    return msgspec.structs.replace(minded(scenario, **levels), **changes)


class TestEndings:
    def test_goal_met(self):
        scenario = customer()
        move = say(scenario, with_state(scenario, **AGREED), "[close] Goodbye.", seq=9)
        assert (move.end_reason, move.surface) == (EndReason.GOAL_MET, Surface.FAREWELL)

    def test_goal_met_after_lingering(self):
        scenario = customer()
        texts = ["[recap] So I send it.", "[reassure] All is well."]
        moves = talk(scenario, texts, state=with_state(scenario, **AGREED))
        assert [move.end_reason for move in moves] == [None, EndReason.GOAL_MET]
        assert moves[0].surface is Surface.ANSWER

    def test_learner_ended(self):
        scenario = customer()
        move = say(scenario, with_state(scenario, turns=2), "[close] Goodbye.", seq=5)
        assert move.end_reason is EndReason.LEARNER_ENDED

    @pytest.mark.parametrize(
        ("demands", "strength", "ends"), [(0, 2, True), (0, 1, False), (1, 1, True)]
    )
    def test_escalated(self, demands: int, strength: int, *, ends: bool):
        scenario = customer()
        state = with_state(scenario, demands=demands, turns=3)
        move = say(scenario, state, f"[hand_over:{strength}] That's for billing.", seq=7)
        assert (move.end_reason is EndReason.ESCALATED) is ends

    def test_a_handover_after_the_agreement_is_no_escalation(self):
        scenario = customer()
        move = say(scenario, with_state(scenario, **AGREED), "[hand_over] Billing sends it.", seq=9)
        assert move.end_reason is None

    @pytest.mark.parametrize(("warnings", "before"), [(0, 0), (1, 1), (3, 3)])
    def test_customer_left_after_as_many_warnings_as_they_give(self, warnings: int, before: int):
        scenario = customer(leaving={"patience": 40, "warnings": warnings})
        state = with_state(scenario)
        state = msgspec.structs.replace(
            state, mind=msgspec.structs.replace(state.mind, patience=30)
        )
        moves = talk(scenario, [f"[thank] Thanks, {n}." for n in range(6)], state=state)
        warned = [move.surface is Surface.WARN_LEAVE for move in moves]
        assert warned == [True] * before + [False]
        assert moves[-1].end_reason is EndReason.CUSTOMER_LEFT
        assert moves[-1].surface is Surface.HANG_UP

    def test_fury_leaves_by_the_scenarios_own_bound(self):
        calm, wild = customer(), customer(leaving={"frustration": 60, "warnings": 0})
        for scenario, left in ((calm, False), (wild, True)):
            state = minded(scenario, frustration=70, patience=28)
            move = say(scenario, state, "[thank] Thanks a lot.")
            assert (move.end_reason is EndReason.CUSTOMER_LEFT) is left

    def test_max_turns(self):
        scenario = customer(max_turns=3)
        moves = talk(scenario, [f"[open_question] What is {n}?" for n in range(9)])
        assert (len(moves), moves[-1].end_reason) == (3, EndReason.MAX_TURNS)

    def test_budget(self):
        scenario = customer()
        texts = ["[explain] One two three four five.", "[explain] Six seven eight nine ten."]
        moves = talk(scenario, texts, word_budget=10)
        assert [move.end_reason for move in moves] == [None, EndReason.BUDGET]
        assert moves[-1].state.words == 10

    def test_a_budget_spent_after_the_agreement_is_a_good_end(self):
        scenario = customer()
        state = with_state(scenario, **AGREED)
        move = say(scenario, state, "[recap] So I send it.", seq=9, word_budget=3)
        assert move.end_reason is EndReason.GOAL_MET

    def test_an_agreement_is_taken_back_from_who_turns_on_the_customer(self):
        scenario = customer()
        state = with_state(scenario, **AGREED)
        state = msgspec.structs.replace(
            state, mind=msgspec.structs.replace(state.mind, frustration=72)
        )
        move = say(scenario, state, INSULT, seq=9)
        assert (move.surface, move.state.resolution) == (Surface.REFUSE, None)


class TestHostility:
    def test_it_grows_with_frustration_mistrust_and_what_is_done(self):
        scenario = customer(max_hostility=3)
        levels = [
            say(scenario, minded(scenario, trust=trust, frustration=heat), text).hostility
            for trust, heat, text in (
                (60, 40, "[rush] Be quick."),
                (20, 75, "[rush] Be quick."),
                (12, 88, "[blame] You broke it."),
                (10, 90, "[insult blame] You fool, you broke it."),
            )
        ]
        assert levels == [0, 1, 2, 3]

    @pytest.mark.parametrize("own", [0, 1, 2, 3])
    @pytest.mark.parametrize("allowed", [0, 1, 2, 3])
    def test_it_never_goes_beyond_scenario_and_tenant(self, own: int, allowed: int):
        scenario = customer(max_hostility=own)
        state = minded(scenario, trust=0, frustration=99)
        move = say(scenario, state, INSULT, max_hostility=allowed)
        assert move.hostility == min(own, allowed)
        assert move.surface is (Surface.INSULT if move.hostility else Surface.VENT)

    def test_without_a_hurt_nobody_insults(self):
        scenario = customer(max_hostility=3)
        state = minded(scenario, trust=0, frustration=99)
        assert say(scenario, state, "[cite_policy] That is the policy.").hostility == 0

    @pytest.mark.parametrize(
        ("temper", "levels"),
        [
            ("nervous", {"anxiety": 90}),
            ("confused", {"anxiety": 85}),
            ("defensive", {"fairness": 10}),
        ],
    )
    def test_some_fall_silent_after_a_hurt_but_not_for_good(
        self, temper: str, levels: dict[str, int]
    ):
        scenario = customer(temper=temper)
        state = minded(scenario, **{"frustration": 40, **levels})
        first = say(scenario, state, "[rush] Be quick.")
        assert first.surface is Surface.SILENCE
        assert (
            say(scenario, first.state, "[rush] Be quicker.", seq=3).surface is not Surface.SILENCE
        )

    def test_annoyed_people_turn_sarcastic_and_meek_ones_do_not(self):
        for temper in Temper:
            scenario = customer(temper=temper.value)
            state = minded(scenario, trust=25, frustration=58)
            surface = say(scenario, state, "[cite_policy] That is the policy.").surface
            meek = temper in {Temper.NERVOUS, Temper.CONFUSED}
            assert (surface is Surface.SARCASM) is not meek

    def test_policy_again_is_cut_off(self):
        moves = talk(customer(), ["[cite_policy] The rule is so.", "[cite_policy] It says that."])
        assert moves[-1].surface is Surface.INTERRUPT


class TestOtherMoves:
    def test_a_supervisor_is_demanded_once_and_never_at_once(self):
        scenario = customer(leaving={"supervisor": 70, "patience": 0})
        state = minded(scenario, frustration=82, patience=90)
        texts = [f"[refuse] I can't do that, {n}." for n in range(4)]
        surfaces = [move.surface for move in talk(scenario, texts, state=state)]
        assert surfaces.count(Surface.SUPERVISOR) == 1
        assert surfaces[1] is Surface.SUPERVISOR

    def test_real_help_is_thanked_for(self):
        scenario = customer()
        kind = "[take_ownership praise] I stay with it; you did well to call."
        move = say(scenario, with_state(scenario, **AGREED), kind, seq=9)
        assert move.surface is Surface.THANK

    @pytest.mark.parametrize(
        ("trust", "heat", "soft"), [(50, 40, True), (25, 40, False), (50, 69, False)]
    )
    def test_nobody_softens_in_the_heat_or_without_trust(
        self, trust: int, heat: int, *, soft: bool
    ):
        scenario = customer()
        state = minded(scenario, trust=trust, frustration=heat)
        move = say(scenario, state, "[acknowledge_feeling:1] That is hard.")
        assert (move.surface is Surface.SOFTEN) is soft

    def test_a_sale_is_turned_down(self):
        scenario = customer()
        move = say(scenario, minded(scenario, frustration=30), "[upsell] We have a plan for you.")
        assert move.surface is Surface.REFUSE
        assert move.state.hint == "Leave the sale. Their problem comes first."


class TestHints:
    def test_the_table_is_short_and_known(self):
        assert [rule.when for rule in HINTS if rule.when not in CONDITIONS] == []
        assert set(CONDITIONS) == {rule.when for rule in HINTS}
        texts = [text for rule in HINTS for text in rule.say]
        assert len(set(texts)) == len(texts)
        assert all(len(text) <= MAX_CHARS and "{" not in text for text in texts)

    @pytest.mark.parametrize(
        ("text", "levels", "hint"),
        [
            ("[explain] It works like this.", {"frustration": 75}, "Name what this has cost them"),
            ("[insult] You fool.", {"frustration": 20, "trust": 70}, "That hurt."),
            ("[explain] It is so.", {"anxiety": 90}, "They are afraid."),
            ("[jargon] The MCC tripped.", {}, "Say it in everyday words."),
            ("[cite_policy] That is policy.", {}, "A rule alone"),
            ("", {}, "Say something that moves"),
            ("[next_step:1] We'll look into it.", {"frustration": 30}, "Say who does it"),
            ("[refuse] I can't do that.", {"frustration": 30}, "After a no"),
        ],
    )
    def test_what_is_due_is_said(self, text: str, levels: dict[str, int], hint: str):
        scenario = customer()
        assert say(scenario, minded(scenario, **levels), text).state.hint.startswith(hint)

    def test_after_the_agreement_it_leads_to_the_end(self):
        scenario = customer()
        state = with_state(scenario, turns=3, counts={"objected": 1})
        texts = ["[offer] I can send a new kettle.", "[recap] So I send it."]
        hints = [move.state.hint for move in talk(scenario, texts, state=state)]
        assert hints[0].startswith("You agree.")
        assert hints[1].startswith("All is settled.")

    def test_the_same_hint_never_comes_twice_running_and_the_end_has_none(self):
        scenario = customer(leaving={"patience": 0, "frustration": 100})
        texts = [f"[cite_policy] The policy is number {n}." for n in range(14)]
        hints = [move.state.hint for move in talk(scenario, texts)]
        assert all(first != second for first, second in pairwise(hints))
        assert hints[0]
        assert hints[-1] == ""
