"""Metrics, advice and the next practice."""

import pytest

from services.scoring_worker.judging.judge import judge
from services.scoring_worker.judging.next_practice import recommend
from services.scoring_worker.judging.phrases import COACHING
from services.scoring_worker.judging.wordings import say_back
from shared.contracts.rubric import Polarity
from shared.contracts.scoring import SkillScore, SkillStatus, Transcript, TranscriptTurn
from shared.library.rubrics import load_rubrics

ROLES = ("support", "sales", "fraud", "collections")


def turn(n, role, text, start=None, end=None) -> TranscriptTurn:
    return TranscriptTurn(id=str(n), role=role, text=text, start_ms=start, end_ms=end)


class TestMetrics:
    def metrics(self, *turns: TranscriptTurn):
        return judge(Transcript(turns=turns, source="call"), load_rubrics()[0]).metrics

    def test_counted_by_hand(self):
        found = self.metrics(
            turn(0, "agent", "Good morning to you.", 500, 1500),
            turn(1, "agent", "What happened? And when?", 1600, 2500),
            turn(2, "customer", "My card is gone, since noon.", 2600, 4000),
            turn(3, "agent", "I see.", 4100, 4800),
        )
        assert found.handle_time_s == 4.3
        assert found.talk_share == round(10 / 16, 4)
        assert found.question_rate == round(2 / 3, 4)
        assert found.longest_monologue_words == 8

    def test_what_cannot_be_known_is_none(self):
        found = self.metrics(turn(0, "customer", ""))
        assert found.handle_time_s is None
        assert found.talk_share is None
        assert found.question_rate is None
        assert found.longest_monologue_words == 0

    def test_a_turn_without_end_counts_with_its_start(self):
        found = self.metrics(turn(0, "agent", "Hi.", 1000), turn(1, "customer", "Hi.", 3000))
        assert found.handle_time_s == 2.0


class TestAdvice:
    @pytest.mark.parametrize("role", ROLES)
    @pytest.mark.parametrize("quality", ["good", "average", "bad"])
    def test_shape(self, talks, role, quality):
        transcript = talks.get(role, quality)
        advice = judge(transcript, talks.rubric(role)).advice
        kinds = [item.kind for item in advice]
        assert kinds == sorted(kinds, reverse=True)
        assert kinds.count("strength") <= 2
        assert kinds.count("improvement") <= 2
        agent = {item.id: item.text for item in transcript.turns if item.role == "agent"}
        for item in advice:
            assert item.evidence is not None
            assert item.evidence.quote in agent[item.evidence.turn_id]
            assert "{" not in item.text
            assert "None" not in item.text
        cited = [item.evidence.turn_id for item in advice if item.evidence]
        assert len(cited) == len(set(cited))
        assert len({item.text for item in advice}) == len(advice)

    @pytest.mark.parametrize("role", ROLES)
    def test_bad_ones_get_no_praise_and_two_improvements_with_wordings(self, talks, role):
        advice = judge(talks.get(role, "bad"), talks.rubric(role)).advice
        assert [item.kind for item in advice] == ["improvement", "improvement"]
        assert all("You could say: “" in item.text for item in advice)

    @pytest.mark.parametrize("role", ROLES)
    def test_good_ones_get_two_strengths(self, talks, role):
        advice = judge(talks.get(role, "good"), talks.rubric(role)).advice
        assert [item.kind for item in advice].count("strength") == 2

    def test_every_indicator_of_the_library_has_a_correction(self):
        keys = {
            indicator.key
            for spec in load_rubrics()
            for section in spec.sections
            for criterion in section.criteria
            for indicator in criterion.indicators
        }
        assert keys <= set(COACHING.corrections)
        good = {
            indicator.key
            for spec in load_rubrics()
            for section in spec.sections
            for criterion in section.criteria
            for indicator in criterion.indicators
            if indicator.polarity is Polarity.GOOD
        }
        assert good - set(COACHING.praise) == {"greets", "closes"}
        assert set(COACHING.praise) <= good

    def test_wordings_with_an_echo_have_a_fallback(self):
        for correction in COACHING.corrections.values():
            assert ("{echo}" in correction.wording) == bool(correction.fallback)
            assert "{echo}" not in correction.fallback


class TestSayBack:
    @pytest.mark.parametrize(
        ("said", "expected"),
        [
            (
                "I lost my job in March and I am behind on everything.",
                "you lost your job in March and you are behind on everything",
            ),
            (
                "Hi. My internet is down! And I\u2019m losing clients every single day now!",
                "you're losing clients every single day now",
            ),
            (
                "I was told that we have to wait until Monday.",
                "you were told that you have to wait",
            ),
            ("Are you stupid? I told you my number already.", None),
            ("No.", None),
            ("", None),
            ("YOU STOLE MY MONEY AND I WANT IT BACK", None),
        ],
    )
    def test_turns_the_sentence_around(self, said, expected):
        found = say_back(said)
        assert found is None if expected is None else (found or "").startswith(expected)


class TestNextPractice:
    def skill(self, name, score, seen=5) -> SkillScore:
        found = SkillStatus.SCORED if score is not None else SkillStatus.NO_OPPORTUNITY
        return SkillScore(skill=name, status=found, score=score, opportunities=seen)

    def test_names_the_weakest_that_was_well_observed(self):
        found = recommend(
            [
                self.skill("relate.empathy", 70),
                self.skill("communicate.clarity", 40),
                self.skill("solve.path", 10, seen=2),
                self.skill("relate.patience", None),
            ]
        )
        assert found == COACHING.practice["communicate.clarity"]

    def test_about_equal_goes_by_the_order_of_the_rubric(self):
        found = recommend([self.skill("relate.patience", 48), self.skill("solve.path", 41)])
        assert found == COACHING.practice["relate.patience"]

    def test_all_strong_means_a_harder_customer(self):
        assert recommend([self.skill("relate.empathy", 90)]) == COACHING.practice["harder"]

    def test_nothing_observed_nothing_said(self):
        assert recommend([self.skill("relate.empathy", 20, seen=1)]) is None
        assert recommend([]) is None
