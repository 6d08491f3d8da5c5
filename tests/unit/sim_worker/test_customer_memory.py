"""What the customer remembers: promises, contradictions, questions asked twice or left open."""

import msgspec
import pytest

from services.sim_worker.engine.appraisal import appraise
from services.sim_worker.engine.memory import REMEMBERED_PROMISES
from services.sim_worker.engine.rules import RULES
from services.sim_worker.engine.waiting import answers
from shared.contracts.simulation import Asked, PersonaState, Promise, Surface
from tests.support.acted import causes, customer, marked, minded, say, talk  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("marked")


def broken(moves) -> list[str]:
    words = {
        "named less than was named before",
        "moved a promised time back",
        "refused what was offered before",
    }
    return [next(iter(words & set(causes(move))), "") for move in moves]


class TestPromises:
    def test_numbers_and_days_of_offers_are_remembered_once(self):
        texts = [
            "[offer] I can credit $40 to your account by Tuesday, that is tuesday.",
            "[next_step] I'll credit $40 on tuesday.",
        ]
        promises = talk(customer(), texts)[-1].state.promises
        assert Promise(turn=1, kind="money", value="4000", about="credit") in promises
        assert Promise(turn=1, kind="day", value="tuesday", about="credit") in promises
        assert len([x for x in promises if x.kind == "money"]) == 1

    @pytest.mark.parametrize(
        "text",
        [
            "[explain] It cost $40 in March.",
            "[refuse] I can't credit $40 to your account.",
            '[offer] Somebody wrote "credit $40" and I can look.',
            "[offer] I can help, but not with a $40 credit.",
        ],
    )
    def test_what_is_no_promise_is_not_kept(self, text: str):
        kinds = {x.kind for x in say(customer(), minded(customer()), text).state.promises}
        assert "money" not in kinds

    def test_only_the_newest_are_kept(self):
        texts = [f"[offer] I can credit ${n} and ${n + 50}." for n in range(1, 40)]
        scenario = customer(max_turns=60, leaving={"patience": 0, "frustration": 100})
        state = PersonaState(mind=minded(scenario).mind)
        for n, text in enumerate(texts):
            state = say(scenario, state, text, seq=2 * n + 1).state
            state = msgspec.structs.replace(state, breaches=())
        assert len(state.promises) <= REMEMBERED_PROMISES


class TestContradictions:
    @pytest.mark.parametrize(
        ("first", "second", "how"),
        [
            (
                "[offer] I can credit $45.",
                "[offer] I can credit $35.",
                "named less than was named before",
            ),
            ("[offer] I can credit $35.", "[offer] I can credit $45.", ""),
            ("[offer] I can credit $35.", "[offer] I can still credit $35.", ""),
            (
                "[next_step] I'll call you within the hour.",
                "[next_step] I'll call you next week.",
                "moved a promised time back",
            ),
            ("[next_step] I'll call you tomorrow.", "[next_step] I'll call you tonight.", ""),
            ("[next_step] I'll call you tonight.", "[next_step] I'll call you again tomorrow.", ""),
            ("[next_step] I'll call you tonight.", "[next_step] I'll email you next week.", ""),
            (
                "[next_step] I'll call you within 2 hours.",
                "[next_step] I'll call you in 3 days.",
                "moved a promised time back",
            ),
            (
                "[next_step] I'll call you within 2 hours.",
                "[next_step] I'll call you about the last 3 days.",
                "",
            ),
            ("[offer] I can credit it today.", "[offer] I can refund a new kettle next week.", ""),
            (
                "[offer] I can send a new kettle.",
                "[refuse] I can't send a new kettle.",
                "refused what was offered before",
            ),
            ("[offer] I can send a new kettle.", "[refuse] I can't pay for the lunch.", ""),
            ("[explain] A new kettle is $30.", "[refuse] I can't send a new kettle.", ""),
        ],
    )
    def test_going_back_on_a_word(self, first: str, second: str, how: str):
        moves = talk(customer(), [first, second])
        assert broken(moves) == ["", how]
        assert (moves[-1].surface is Surface.CORRECT) is bool(how)
        if how:
            assert moves[-1].state.mind.trust < moves[0].state.mind.trust
            assert moves[-1].state.hint.startswith("That is not what you said before")

    def test_a_twist_excuses_a_refusal(self):
        twist = {"key": "gone", "title": "the last one broke", "lines": ["Oh."], "turn": 2}
        kettle = {
            "key": "new_kettle",
            "title": "send a new kettle",
            "acts": ["offer"],
            "topics": ["new kettle"],
            "until_twist": "gone",
        }
        scenario = customer(twists=[twist], resolutions=[kettle])
        texts = ["[offer] I can send a new kettle.", "[open_question] How so?"]
        texts += ["[refuse] I can't send a new kettle now."]
        assert broken(talk(scenario, texts))[-1] == ""


class TestAskedTwice:
    def test_the_same_answered_question_annoys_and_says_what_it_was_about(self):
        scenario = customer()
        texts = [
            "[closed_question@product] Where was it bought?",
            "[closed_question@product] And it was bought where, again?",
        ]
        moves = talk(scenario, texts)
        assert "a:bought" in moves[0].phrases
        assert "asked about the product a second time" in causes(moves[1])
        assert moves[1].state.mind.patience < moves[0].state.mind.patience

    def test_asking_for_the_details_again_annoys(self):
        moves = talk(customer(), ["[verify_identity] Your name?", "[verify_identity] The name?"])
        assert RULES.turns["asked_again"].why in causes(moves[1])

    def test_a_follow_up_is_no_repetition(self):
        texts = [
            "[closed_question] Where was it bought?",
            "[closed_question probe] Was it bought with a card?",
        ]
        why = RULES.turns["asked_twice"].why
        assert why not in causes(talk(customer(), texts)[1])


def waits(kind: str, *, turn: int = 1, turns: int = 1) -> PersonaState:
    return msgspec.structs.replace(
        minded(customer()), waiting_for=Asked(turn=turn, kind=kind), turns=turns
    )


class TestOpenQuestions:
    def test_a_question_of_the_customer_waits_for_its_answer(self):
        scenario = customer()
        state = minded(scenario, trust=40)
        move = say(scenario, state, "[next_step:1] I'll look into it.")
        assert move.surface is Surface.TEST
        assert move.state.waiting_for == Asked(turn=1, kind="when")

    @pytest.mark.parametrize(
        ("kind", "text"),
        [
            ("when", "[offer] It will be there by Tuesday."),
            ("when", "[explain] It takes three days."),
            ("who", "[take_ownership] That's mine now."),
            ("who", "[explain] My name is Sam."),
            ("how", "[explain] A courier brings it."),
            ("why", "[explain] The lid was cracked."),
            ("why", "[offer] I can swap it."),
            ("sure", "[reassure:2] It is safe."),
            ("sure", "[disclose] There is no fee."),
            ("what", "[offer] I can swap it."),
        ],
    )
    def test_what_answers_it_settles_it(self, kind: str, text: str):
        move = say(customer(), waits(kind), text, seq=3)
        left = move.state.waiting_for
        assert left is None or left.turn == 2

    @pytest.mark.parametrize("kind", ["when", "who", "how", "why", "sure", "what"])
    def test_unanswered_twice_it_costs_a_little_and_comes_back(self, kind: str):
        scenario = customer()
        first = say(scenario, waits(kind), "[open_question] What else is new?", seq=3)
        assert first.state.waiting_for == Asked(turn=1, kind=kind)
        assert first.surface is not Surface.REMIND
        second = say(scenario, first.state, "[open_question] And what is old?", seq=5)
        assert second.surface is Surface.REMIND
        assert RULES.turns["unanswered"].why in causes(second)
        assert second.state.waiting_for == Asked(turn=1, kind=kind, reminded=1)
        assert second.state.hint == "Answer their question first."
        third = say(scenario, second.state, "[open_question] And so on?", seq=7)
        assert third.surface is not Surface.REMIND
        assert RULES.turns["unanswered"].why not in causes(third)

    def test_silence_answers_nothing_and_in_time_a_question_is_let_go(self):
        move = say(customer(), waits("what"), "", seq=3)
        assert move.state.waiting_for is not None
        late = say(customer(), waits("what", turns=6), "[thank] Thanks.", seq=13)
        assert late.state.waiting_for is None or late.state.waiting_for.turn == 7


def test_every_kind_has_an_answer():
    reading = appraise(
        minded(customer()), "I'll send it by Tuesday because it broke.", previous_customer=""
    )
    assert all(answers(kind, reading) for kind in ("when", "who", "what"))
