"""The next practice: which skill, which scenario, how difficult."""

import pytest

from services.scoring_worker.judging.feedback.practice import Exercise, plan, recommend
from shared.contracts.scoring import SkillScore, SkillStatus
from shared.library import load_scenarios
from shared.library.skills import Seen, load_skills


def skill(name, score, seen=5) -> SkillScore:
    status = SkillStatus.SCORED if score is not None else SkillStatus.NO_OPPORTUNITY
    return SkillScore(skill=name, status=status, score=score, opportunities=seen)


class TestSkill:
    def test_the_weakest_that_was_well_observed(self):
        found = recommend(
            [
                skill("relate.empathy", 70),
                skill("communicate.clarity", 30),
                skill("solve.path", 10, seen=2),
                skill("relate.patience", None),
            ]
        )
        assert found is not None
        assert found.skill == "communicate.clarity"
        assert found.text.startswith("Next, practice clarity with “")

    def test_of_about_equal_ones_what_the_feedback_spoke_of(self):
        weak = [skill("relate.patience", 48), skill("solve.path", 41)]
        found = [recommend(weak), recommend(weak, spoken_of=["solve.path"])]
        assert [item.skill for item in found if item] == ["relate.patience", "solve.path"]

    def test_nothing_observed_nothing_said(self):
        assert recommend([skill("relate.empathy", 20, seen=1)]) is None
        assert recommend([]) is None

    def test_all_strong_means_a_harder_customer(self):
        found = recommend([skill("relate.empathy", 92)])
        assert found is not None
        assert "harder customer" in found.text
        assert found.difficulty >= 4


class TestScenario:
    @pytest.mark.parametrize("score", [5, 25, 45, 65, 82])
    @pytest.mark.parametrize("role", ["support", "sales", "fraud", "collections", "general", ""])
    def test_it_exercises_the_skill_at_a_difficulty_that_it_really_has(self, score, role):
        found = recommend([skill("relate.empathy", score)], role=role)
        assert found is not None
        spec = next(spec for spec in load_scenarios() if spec.slug == found.scenario)
        assert "relate.empathy" in spec.skills
        assert found.difficulty == spec.difficulty
        assert spec.title in found.text

    def test_the_better_the_harder(self):
        levels = [
            found.difficulty
            for score in (5, 45, 84)
            if (found := recommend([skill("relate.empathy", score)])) is not None
        ]
        assert levels == sorted(levels)
        assert levels[0] < levels[-1]

    def test_the_same_role_is_preferred(self):
        found = recommend([skill("relate.deescalation", 50)], role="sales")
        assert found is not None
        assert (found.scenario or "").startswith("sales-")

    def test_the_salt_decides_among_equals_always_alike(self):
        weak = [skill("communicate.clarity", 45)]
        found = [recommend(weak, salt=str(n)) for n in range(20)]
        assert len({item.scenario for item in found if item}) > 1
        assert recommend(weak, salt="7") == recommend(weak, salt="7")


class TestPlan:
    def test_the_scenarios_are_those_of_the_library(self):
        assert plan().scenarios == {
            spec.slug: Exercise(
                title=spec.title,
                role=spec.role.value,
                difficulty=spec.difficulty,
                skills=list(spec.skills),
            )
            for spec in load_scenarios()
        }

    def test_every_skill_that_one_conversation_shows_has_a_drill(self):
        shown = {key for key, item in load_skills().items() if Seen.TRANSCRIPT in item.seen}
        assert shown <= set(plan().drills)

    def test_a_drill_has_a_name_and_something_to_do(self):
        for drill in plan().drills.values():
            name, _, rest = drill.partition(": ")
            assert name
            assert rest.endswith(".")
