"""The published table: every rule moves the mind as written, with its cause."""

import msgspec
import pytest

from services.sim_worker.engine.mind import is_help
from services.sim_worker.engine.rules import HOSTILE, RULES
from shared.contracts.dialogue import Act, Topic
from shared.contracts.scenario import Mind
from shared.contracts.simulation import Cause, Surface
from tests.support.acted import causes, customer, marked, minded, say, talk  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("marked")

MIDDLE = dict.fromkeys(Mind.__struct_fields__, 50)
TESTED_ELSEWHERE = {
    Act.CLOSE,  # changes nothing
    Act.GIVE_AWAY,  # a breach
    Act.UPSELL,  # doubled before an agreement
    Act.SET_BOUNDARY,  # depends on the heat
    Act.OFFER,  # early
    Act.CONCEDE,
}


def moved(move) -> dict[str, int]:
    found: dict[str, int] = {}
    for cause in move.causes:
        found[cause.dimension] = found.get(cause.dimension, 0) + cause.delta
    return found


@pytest.mark.parametrize("act", sorted(set(Act) - TESTED_ELSEWHERE))
def test_each_act_moves_the_mind_the_way_the_table_says(act: Act):
    scenario = customer(difficulty=3, temper="suspicious")
    move = say(scenario, minded(scenario, **MIDDLE), f"[{act}] Something is said here now.")
    effect = RULES.acts[act]
    assert {cause.why for cause in move.causes} <= {effect.why}
    for name, delta in moved(move).items():
        assert (delta > 0) is (effect.change[name] > 0)
    assert moved(move) or act in {Act.CLOSE, Act.GREET, Act.CLOSED_QUESTION}


def test_the_table_names_every_act_and_every_topic():
    assert set(RULES.acts) == set(Act)
    assert set(RULES.topics) == set(Topic)
    assert set(RULES.acts) > HOSTILE
    effects = (*RULES.acts.values(), *RULES.turns.values())
    assert all(effect.wear in RULES.wear for effect in effects)
    assert all(len(effect.why) <= 60 and effect.why == effect.why.strip(" .") for effect in effects)
    assert len({effect.why for effect in effects}) == len(effects)


@pytest.mark.parametrize("act", sorted(HOSTILE))
def test_every_hostile_act_costs_trust_or_patience_and_closes_the_mouth(act: Act):
    scenario = customer()
    state = minded(scenario, trust=90, frustration=20)
    move = say(scenario, state, f"[{act} open_question] What happened before?")
    assert move.opened == ()
    assert move.state.mind.frustration > 20
    assert move.state.mind.trust < 90 or move.state.mind.patience < 60


def test_a_cause_says_what_a_question_was_about():
    scenario = customer()
    move = say(scenario, minded(scenario), "[open_question@money] What does it cost you?")
    assert "asked an open question, about the money" in causes(move)


class TestCircumstances:
    def test_a_sale_hurts_twice_as_much_before_an_agreement(self):
        scenario = customer(difficulty=3)
        state = minded(scenario, **MIDDLE)
        agreed = msgspec.structs.replace(state, resolution="new_kettle", accepted_at=0)
        early, late = (
            causes(say(scenario, item, "[upsell] We have a plan."))["brought up something to buy"]
            for item in (state, agreed)
        )
        assert early >= 2 * late - 2

    def test_a_no_hurts_less_beside_an_offer(self):
        scenario = customer(difficulty=3)
        state = minded(scenario, **MIDDLE)
        bare = causes(say(scenario, state, "[refuse] I can't do that."))["said no"]
        eased = causes(say(scenario, state, "[refuse] I can't do that. [offer] I can do this."))
        assert eased["said no"] < bare

    def test_a_limit_helps_in_the_heat_and_hurts_in_the_calm(self):
        scenario = customer()
        text = "[set_boundary] I want to help, and I can only do that without insults."
        hot = causes(say(scenario, minded(scenario, frustration=80), text))
        calm = causes(say(scenario, minded(scenario, frustration=30), text))
        assert "set a limit and stayed ready to help" in hot
        assert set(calm) == {"set a limit where none was needed"}

    def test_help_beside_policy_is_worth_less(self):
        scenario = customer()
        state = minded(scenario, **MIDDLE)
        clean = causes(say(scenario, state, "[explain] It works like this."))
        mixed = causes(say(scenario, state, "[explain] It is so. [cite_policy] That is policy."))
        assert mixed["explained in plain words"] < clean["explained in plain words"]

    def test_the_last_points_are_the_hardest(self):
        scenario = customer(difficulty=3)
        text = "[acknowledge_impact] You lost a whole day over this."
        eased = {
            level: level
            - say(scenario, minded(scenario, frustration=level), text).state.mind.frustration
            for level in (50, 20, 8)
        }
        assert eased[50] > eased[20] > eased[8] >= 1

    def test_a_soft_spot_doubles_and_a_trigger_doubles(self):
        person = {"name": "Ada", "summary": "Tea.", "style": "plain"}
        plain = customer()
        tender = customer(persona={**person, "soft_spots": ["explain"], "triggers": ["blame"]})
        for text, why in (
            ("[explain] It works so.", "explained in plain words"),
            ("[blame] You did it.", "put the blame on the customer"),
        ):
            usual = causes(say(plain, minded(plain, **MIDDLE), text))[why]
            strong = causes(say(tender, minded(tender, **MIDDLE), text))[why]
            assert strong > 1.5 * usual


class TestTouches:
    def test_a_sore_point_hurts_twice_at_most(self):
        scenario = customer()
        texts = [f"[open_question] What did your brother say, number {n}?" for n in range(3)]
        moves = talk(scenario, texts)
        assert ["brought up her brother" in causes(move) for move in moves] == [True, True, False]

    def test_a_warm_point_works_once_and_not_in_a_hostile_turn(self):
        scenario = customer()
        texts = [
            "[blame] You broke it in your tea room.",
            "[open_question] How is the tea room doing?",
            "[open_question] What is the tea room like?",
        ]
        moves = talk(scenario, texts)
        assert ["spoke of her tea room" in causes(x) for x in moves] == [False, True, False]


class TestNoise:
    def test_talking_of_something_else_for_two_turns_has_consequences(self):
        scenario = customer()
        moves = talk(scenario, ["The weather is mild in our street.", "Birds like it there, too."])
        why = RULES.turns["off_topic"].why
        assert [why in causes(move) for move in moves] == [False, True]

    @pytest.mark.parametrize(
        ("text", "rule"),
        [
            ("", "silence"),
            ("ok", "clipped"),
            ("asdf qwer zxcv bnmp", "gibberish"),
            ("word " * 140 + "and many other things were said.", "monologue"),
        ],
    )
    def test_poor_turns_cost_patience(self, text: str, rule: str):
        scenario = customer()
        marks = "" if rule != "monologue" else "[explain] "
        move = say(scenario, minded(scenario), marks + text)
        assert RULES.turns[rule].why in causes(move)
        assert move.state.mind.patience < 60

    def test_a_monologue_is_cut_short_and_jargon_confuses(self):
        scenario = customer()
        long = "[explain] " + " ".join(f"thing{n} happened" for n in range(80))
        assert say(scenario, minded(scenario), long).surface is Surface.INTERRUPT
        jargon = talk(scenario, ["[jargon] The MCC tripped.", "[jargon] The VPA is in the CRM."])
        assert [move.surface for move in jargon] == [Surface.CONFUSED, Surface.INTERRUPT]
        assert jargon[-1].state.mind.clarity < 50


def test_causes_are_sorted_and_say_whether_they_help():
    scenario = customer()
    move = say(
        scenario, minded(scenario), "[blame] You did it. [explain] It works so. [offer] I can try."
    )
    sizes = [abs(cause.delta) for cause in move.causes]
    assert sizes == sorted(sizes, reverse=True)
    assert is_help(Cause(dimension="frustration", delta=-1, why="x"))
    assert not is_help(Cause(dimension="trust", delta=-1, why="x"))
