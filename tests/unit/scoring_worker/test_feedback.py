"""Advice: its shape, what it says about harm and good work, and its coverage."""

import pytest

from services.scoring_worker.judging.feedback.advice import MAX_EACH
from services.scoring_worker.judging.feedback.candidates import PRAISE_FROM
from services.scoring_worker.judging.feedback.coaching import (
    WORDS,
    causes,
    corrections,
    moves,
    praise,
)
from services.scoring_worker.judging.feedback.filling import choose, slots
from services.scoring_worker.judging.judge import judge
from shared.contracts.scoring import MindShift, Transcript
from shared.library.indicators import load_indicators
from shared.library.rubrics import load_rubrics

ROLES = ("support", "sales", "fraud", "collections")


def advice_of(talks, role: str, quality: str):
    return judge(talks.get(role, quality), talks.rubric(role)).advice


def known(transcript: Transcript, *shifts: tuple[str, str, int, str]) -> Transcript:
    """Return the transcript as a simulation hands it over: turn, dimension, points, cause."""
    mind = tuple(
        MindShift(turn_id=turn, changes=((dimension, points, why),))
        for turn, dimension, points, why in shifts
    )
    return Transcript(turns=transcript.turns, source="simulation", mind=mind)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("quality", ["good", "average", "bad"])
class TestShape:
    def test_at_most_two_of_each_strengths_first(self, talks, role, quality):
        kinds = [item.kind for item in advice_of(talks, role, quality)]
        assert kinds == sorted(kinds, reverse=True)
        assert max(kinds.count("strength"), kinds.count("improvement")) <= MAX_EACH

    def test_no_two_about_the_same_skill_or_turn(self, talks, role, quality):
        found = advice_of(talks, role, quality)
        assert len({item.skill for item in found}) == len(found)
        assert len({item.evidence.turn_id for item in found}) == len(found)

    def test_each_has_a_quote_of_the_agent_and_says_why_it_mattered(self, talks, role, quality):
        agent = {t.id: t.text for t in talks.get(role, quality).turns if t.role == "agent"}
        for item in advice_of(talks, role, quality):
            assert item.evidence.quote in agent[item.evidence.turn_id]
            assert item.effect
            assert (item.better is not None) is (item.kind == "improvement")

    def test_nothing_is_left_unfilled(self, talks, role, quality):
        for item in advice_of(talks, role, quality):
            for text in (item.text, item.effect, item.better or "Fine."):
                assert not {"{", "}"} & set(text)
                assert "None" not in text
                assert text[0].isupper() or text[0] == "“"
                assert text[-1] in ".?!”"


class TestChoice:
    @pytest.mark.parametrize("role", ROLES)
    def test_bad_ones_get_two_improvements_and_no_praise(self, talks, role):
        kinds = [item.kind for item in advice_of(talks, role, "bad")]
        assert kinds == ["improvement", "improvement"]

    @pytest.mark.parametrize("role", ROLES)
    def test_good_ones_get_two_strengths(self, talks, role):
        kinds = [item.kind for item in advice_of(talks, role, "good")]
        assert kinds.count("strength") == MAX_EACH

    @pytest.mark.parametrize("role", ROLES)
    def test_praise_is_for_criteria_that_are_not_weak(self, talks, role):
        result = judge(talks.get(role, "average"), talks.rubric(role))
        weak = {c.skill for c in result.criteria if (c.score or 0) < PRAISE_FROM}
        strong = {c.skill for c in result.criteria if (c.score or 0) >= PRAISE_FROM}
        praised = {item.skill for item in result.advice if item.kind == "strength"}
        assert not praised & (weak - strong)

    def test_the_same_conversation_gets_the_same_words(self, talks):
        assert advice_of(talks, "support", "bad") == advice_of(talks, "support", "bad")


class TestWording:
    def test_what_was_missing_comes_before_what_was_right(self, talks):
        found = advice_of(talks, "collections", "average")
        better = next(item.better for item in found if item.skill == "relate.empathy")
        assert better.startswith("So you lost your job in March and you are behind on everything.")
        assert better.endswith("How much can you pay?")

    def test_the_customers_words_stand_in_the_remark(self, talks):
        found = advice_of(talks, "support", "average")
        text = next(item.text for item in found if item.skill == "relate.empathy")
        assert "“My internet has been down for four days" in text

    def test_a_secret_is_never_asked_for(self, talks):
        found = advice_of(talks, "fraud", "bad")
        better = next(item.better for item in found if item.skill == "own.process_adherence")
        assert better.startswith("Please do not tell me your code or password")


class TestEffect:
    def test_a_simulation_knows_what_harm_was_done(self, talks):
        plain = talks.get("support", "bad")
        place = next(i for i in advice_of(talks, "support", "bad") if i.skill == "relate.empathy")
        turn = place.evidence.turn_id
        told = known(plain, (turn, "trust", -9, "made the problem small"))
        found = judge(told, talks.rubric("support")).advice
        effect = next(item.effect for item in found if item.evidence.turn_id == turn)
        assert effect == (
            "Right after it the customer's trust fell by 9 points, because you made the problem"
            " small."
        )

    def test_a_turn_that_is_known_to_have_helped_is_not_blamed_for_what_it_lacks(self, talks):
        plain = talks.get("support", "average")
        places = {
            item.evidence.turn_id
            for item in advice_of(talks, "support", "average")
            if item.skill == "relate.empathy"
        }
        assert places
        told = known(plain, *((t.id, "trust", 9, "took it on") for t in plain.turns))
        found = judge(told, talks.rubric("support")).advice
        assert not [i for i in found if i.kind == "improvement" and "no word for" in i.text]

    def test_what_is_known_to_have_hurt_is_not_praised(self, talks):
        plain = talks.get("support", "good")
        told = known(plain, *((t.id, "trust", -5, "apologized") for t in plain.turns))
        found = judge(told, talks.rubric("support")).advice
        assert not [item for item in found if item.kind == "strength"]

    def test_elsewhere_the_customers_next_words_tell(self, talks):
        found = advice_of(talks, "support", "bad")
        effect = next(item.effect for item in found if item.skill == "relate.empathy")
        assert effect.endswith("“That is ridiculous. I want to speak to someone else.”")


class TestCoverage:
    def test_every_indicator_has_a_correction_of_its_own(self):
        assert set(load_indicators()) <= set(corrections())

    def test_praise_is_for_good_indicators_only(self):
        good = {key for key, item in load_indicators().items() if item.polarity.value == "good"}
        assert set(praise()) <= good

    def test_the_built_in_rubrics_can_praise_in_every_criterion(self):
        for spec in load_rubrics():
            for section in spec.sections:
                for criterion in section.criteria:
                    assert {i.key for i in criterion.indicators} & set(praise()) or (
                        criterion.skill in {"relate.courtesy", "communicate.pacing"}
                    )

    def test_every_correction_leads_to_wordings_and_ends_with_one_without_slots(self):
        for key, item in corrections().items():
            assert moves()[item.move], key
            assert slots(item.text[-1]) <= {"title"}, key
        assert {item.move for item in corrections().values()} == set(moves())

    @pytest.mark.parametrize("move", sorted(moves()))
    def test_every_move_says_something_where_a_turn_gives_nothing(self, move):
        always = {"feeling": WORDS.feeling["plain"][0], "cost": WORDS.cost_plain["plain"][0]}
        assert choose(moves()[move], always.get, "")

    def test_causes_speak_of_known_indicators(self):
        named = {key for keys in causes().values() for key in keys}
        assert named <= set(load_indicators())
