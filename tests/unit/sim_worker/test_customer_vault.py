"""When facts open, are half said, are told unasked or stay shut; when a customer agrees."""

import msgspec
import pytest

from services.sim_worker.engine.agreement import turns_before_agreement
from services.sim_worker.engine.vault import is_locked
from shared.audit.audit import fact_outcomes
from shared.contracts.simulation import FactOutcome, PersonaState, Surface
from tests.support.acted import CUSTOMER, customer, marked, minded, say, talk  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("marked")

ASKED = "[open_question] What happened before?"


class TestFacts:
    @pytest.mark.parametrize(
        ("trust", "surface"),
        [(44, Surface.REVEAL), (36, Surface.PARTIAL), (24, Surface.DEFLECT)],
    )
    def test_trust_decides_between_all_half_and_nothing(self, trust: int, surface: Surface):
        scenario = customer(temper="frustrated", difficulty=5)
        state = msgspec.structs.replace(minded(scenario, trust=trust), turns=1)
        move = say(scenario, state, ASKED, seq=3)
        assert move.surface is surface
        assert move.opened == (("dropped",) if surface is Surface.REVEAL else ())

    def test_half_is_said_once(self):
        scenario = customer()
        state = msgspec.structs.replace(minded(scenario, trust=34), turns=1)
        first = say(scenario, state, ASKED, seq=3)
        mind = msgspec.structs.replace(first.state.mind, trust=34)
        again = say(
            scenario,
            msgspec.structs.replace(first.state, mind=mind),
            "[open_question] And what was before all that?",
            seq=5,
        )
        assert (first.surface, again.surface) == (Surface.PARTIAL, Surface.DEFLECT)
        assert first.phrases[-1].startswith(("p:dropped", "b:"))
        assert again.state.hint.startswith("They are holding something back")

    def test_some_wait_for_others_and_for_calm(self):
        scenario = customer()
        text = "[open_question] Who paid?"
        state = minded(scenario, trust=50)
        assert say(scenario, state, text).opened == ()
        told = msgspec.structs.replace(state, open_facts=("dropped",))
        assert say(scenario, told, text).opened == ()
        calm = msgspec.structs.replace(
            told, mind=msgspec.structs.replace(told.mind, frustration=40)
        )
        assert say(scenario, calm, text).opened == ("cousin",)

    def test_one_at_a_time(self):
        scenario = customer()
        state = minded(scenario, trust=80, frustration=20)
        move = say(scenario, state, "[open_question] What was before, and why the hurry?")
        assert move.opened == ("dropped",)

    @pytest.mark.parametrize("other", ["insult", "sarcasm", "interrupt", "upsell"])
    def test_nobody_confides_in_who_hurts_or_sells(self, other: str):
        scenario = customer()
        move = say(scenario, minded(scenario, trust=90), f"[{other} open_question] And before?")
        assert move.opened == ()

    def test_great_trust_tells_unasked_when_nothing_else_is_due(self):
        scenario = customer()
        state = minded(scenario, trust=82, frustration=20, anxiety=20)
        told = say(scenario, state, "[acknowledge_feeling] That is a worry.")
        assert told.opened == ("wedding",)
        assert told.state.volunteered == ("wedding",)
        asked = say(scenario, state, "[closed_question] Was it bought in the shop?")
        assert asked.surface is Surface.ANSWER
        assert asked.opened == ()

    def test_outcomes_count_what_was_asked_for_and_what_was_not(self):
        scenario = customer()
        state = PersonaState(
            mind=minded(scenario).mind, open_facts=("dropped", "wedding"), volunteered=("wedding",)
        )
        assert fact_outcomes(scenario, state, ()) == {
            "dropped": FactOutcome.ELICITED,
            "wedding": FactOutcome.VOLUNTEERED,
            "cousin": FactOutcome.UNDISCOVERED,
        }
        assert [is_locked(state, fact.key) for fact in scenario.facts] == [False, False, True]


def ready(difficulty: int, **changes: object) -> tuple:
    scenario = customer(difficulty=difficulty)
    state = minded(scenario, trust=80, frustration=20)
    given = {"turns": 9, "open_facts": ("dropped",), "done_steps": ("identity",)}
    return scenario, msgspec.structs.replace(state, **{**given, **changes})


class TestAgreeing:
    OFFER = "[offer] I can credit $40 to your account."

    def test_a_customer_objects_once_first(self):
        scenario, state = ready(3)
        first = say(scenario, state, self.OFFER, seq=19)
        assert (first.surface, first.state.resolution) == (Surface.TEST, None)
        second = say(scenario, first.state, "[next_step:3] It's there by Tuesday.", seq=21)
        assert (second.surface, second.state.resolution) == (Surface.ACCEPT, "credit")

    def test_the_easiest_one_does_not(self):
        scenario, state = ready(1)
        assert say(scenario, state, self.OFFER, seq=19).surface is Surface.ACCEPT

    @pytest.mark.parametrize(("difficulty", "turns"), [(1, 2), (2, 3), (3, 3), (4, 4), (5, 4)])
    def test_it_takes_some_turns_at_least(self, difficulty: int, turns: int):
        scenario, state = ready(difficulty, turns=turns - 2, counts={"objected": 1})
        assert turns_before_agreement(scenario) == turns
        early = say(scenario, state, self.OFFER, seq=5)
        assert early.state.resolution is None
        late = msgspec.structs.replace(state, turns=turns - 1)
        assert say(scenario, late, self.OFFER, seq=7).state.resolution == "credit"

    @pytest.mark.parametrize(
        ("missing", "source"),
        [
            ({"open_facts": ()}, Surface.OBJECT),
            ({"done_steps": ()}, Surface.TEST),
        ],
    )
    def test_facts_and_steps_are_needed(self, missing: dict[str, tuple], source: Surface):
        scenario, state = ready(3, counts={"objected": 1}, **missing)
        move = say(scenario, state, self.OFFER, seq=19)
        assert (move.surface, move.state.resolution) == (source, None)
        if "open_facts" in missing:
            assert move.state.hint == "Something that matters has not been asked yet."

    def test_an_agreeable_script_alone_never_resolves(self):
        nice = "[thank acknowledge_feeling take_ownership apologize praise] You are right, {n}."
        offer = "[offer next_step:3] I can credit $40 to your account by Tuesday, {n}."
        for difficulty in range(1, 6):
            scenario = customer(difficulty=difficulty, resolutions=CUSTOMER["resolutions"][:1])
            texts = [(nice if n % 2 else offer).format(n=n) for n in range(14)]
            assert talk(scenario, texts)[-1].state.resolution is None

    def test_one_good_speech_is_not_enough(self):
        scenario = customer(difficulty=1)
        state = minded(scenario, trust=60, frustration=40)
        speech = (
            "[take_ownership] This is mine now. [acknowledge_impact] You lost a day. "
            "[offer next_step:3] I can send a new kettle by Tuesday. [recap] So: by Tuesday."
        )
        assert say(scenario, state, speech).state.resolution is None
