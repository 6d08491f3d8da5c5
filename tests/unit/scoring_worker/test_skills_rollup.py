"""Skills: every key of the taxonomy is answered, from the form or the standard, and rolled up."""

from typing import Any

import pytest
from msgspec import structs

from services.scoring_worker.judging.judge import judge
from shared.contracts.rubric import Criterion, Indicator, Polarity, RubricSpec, Section
from shared.contracts.scoring import CriterionResult, Interval, SkillScore, SkillStatus
from shared.library.skills import Seen, load_skill_roots, load_skills
from shared.scorecard.skills import MOST_OCCASIONS, roots, skills

GREETS = Indicator(key="greets", title="Greets", polarity=Polarity.GOOD, weight=1)
LISTENING, EMPATHY = "understand.active_listening", "relate.empathy"


def criterion(key: str, weight: int, skill: str, **shared: int) -> Criterion:
    return Criterion(
        key=key,
        title=key,
        skill=skill,
        skills={name.replace("__", "."): part for name, part in shared.items()},
        weight=weight,
        indicators=(GREETS,),
    )


def form(*criteria: Criterion) -> RubricSpec:
    section = Section(key="s", title="S", weight=1, criteria=criteria)
    return RubricSpec(slug="r", title="R", target=50, sections=(section,))


def result(key: str, score: int | None, *, seen: int = 4, **fields: Any) -> CriterionResult:
    given = {
        "status": SkillStatus.NO_OPPORTUNITY if score is None else SkillStatus.SCORED,
        "interval": None if score is None else Interval(low=score - 10, high=score + 10),
        **fields,
    }
    return CriterionResult(
        key=key, title=key, skill="", score=score, opportunities=seen, indicators=(), **given
    )


def standard(key: str) -> SkillScore:
    return SkillScore(
        skill=key, status=SkillStatus.SCORED, score=11, opportunities=5, basis="standard"
    )


def rolled(spec: RubricSpec, *results: CriterionResult) -> dict[str, SkillScore]:
    found = skills(spec, {each.key: each for each in results}, standard)
    return {each.skill: each for each in found}


class TestSkill:
    def test_two_criteria_are_their_weighted_mean(self):
        spec = form(criterion("a", 30, EMPATHY), criterion("b", 10, EMPATHY))
        both = rolled(spec, result("a", 80), result("b", 40, seen=3))[EMPATHY]
        assert (both.score, both.opportunities, both.basis) == (70, 7, "rubric")
        assert both.interval.low < 70 < both.interval.high
        one = rolled(spec, result("a", None, seen=0), result("b", 40))[EMPATHY]
        assert (one.score, one.status, one.opportunities) == (40, SkillStatus.SCORED, 4)

    def test_without_a_score_the_status_that_says_most(self):
        spec = form(criterion("a", 1, EMPATHY), criterion("b", 1, EMPATHY))
        unsure = result("b", None, seen=1, status=SkillStatus.INSUFFICIENT_EVIDENCE)
        found = rolled(spec, result("a", None, seen=0), unsure)[EMPATHY]
        assert (found.score, found.status) == (None, SkillStatus.INSUFFICIENT_EVIDENCE)
        assert found.basis == "rubric"

    def test_a_criterion_may_speak_for_several_skills(self):
        shared = criterion("a", 10, EMPATHY, relate__empathy=80, relate__patience=20)
        spec = form(shared, criterion("b", 40, "relate.patience"))
        found = rolled(spec, result("a", 90), result("b", 40))
        assert found[EMPATHY].score == 90
        # (10 * 20 * 90 + 40 * 100 * 40) / (10 * 20 + 40 * 100) = 42.4
        assert found["relate.patience"].score == 42

    def test_what_the_form_does_not_ask_for_comes_from_the_standard(self):
        found = rolled(form(criterion("a", 1, EMPATHY)), result("a", 90))
        assert (found[LISTENING].score, found[LISTENING].basis) == (11, "standard")

    def test_a_criterion_that_was_not_asked_speaks_for_nothing(self):
        spec = form(criterion("a", 1, EMPATHY))
        found = rolled(spec, result("a", None, seen=0, enabled=False))
        assert found[EMPATHY].basis == "standard"

    def test_every_key_in_order_then_the_tenants_own(self):
        spec = form(criterion("a", 1, "relate.small_talk"), criterion("b", 1, EMPATHY))
        found = list(rolled(spec, result("a", 50), result("b", 60)))
        assert found == [*load_skills(), "relate.small_talk"]

    def test_what_one_transcript_cannot_show_gets_no_number_whoever_asks(self):
        spec = form(criterion("a", 1, "grow.growth_mindset"), criterion("b", 1, EMPATHY))
        found = rolled(spec, result("a", 90), result("b", 60))
        hidden = {key for key, skill in load_skills().items() if Seen.TRANSCRIPT not in skill.seen}
        assert hidden >= {"grow.growth_mindset", "own.work_ethic", "lead.people_management"}
        for key, each in found.items():
            is_hidden = each.status is SkillStatus.NOT_OBSERVABLE
            assert is_hidden == (key in hidden)
            assert (each.score is None) == is_hidden


class TestRoots:
    def skill(self, key: str, score: int | None, seen: int) -> SkillScore:
        status = SkillStatus.NO_OPPORTUNITY if score is None else SkillStatus.SCORED
        return SkillScore(skill=key, status=status, score=score, opportunities=seen)

    def test_the_nine_in_order(self):
        found = roots(())
        assert [each.root for each in found] == list(load_skill_roots())
        assert len(found) == 9
        assert all(each.score is None and each.skills == 0 for each in found)

    def test_weighted_by_occasions_up_to_a_limit(self):
        found = roots(
            (
                self.skill("relate.empathy", 80, 2),
                self.skill("relate.patience", 40, 100),
                self.skill("relate.courtesy", None, 3),
                self.skill("solve.path", 10, 3),
            )
        )
        by_root = {each.root: each for each in found}
        assert MOST_OCCASIONS == 8
        assert (by_root["relate"].score, by_root["relate"].skills) == (48, 2)  # (160 + 320) / 10
        assert (by_root["solve"].score, by_root["solve"].skills) == (10, 1)

    def test_a_tenants_key_counts_for_the_root_before_the_dot(self):
        found = {each.root: each for each in roots((self.skill("own.upselling", 70, 4),))}
        assert (found["own"].score, found["own"].skills) == (70, 1)

    def test_a_root_that_nobody_knows_is_left_out(self):
        assert all(each.score is None for each in roots((self.skill("charm.smile", 70, 4),)))


class TestJudge:
    @pytest.mark.parametrize("role", ["support", "sales", "fraud", "collections"])
    def test_every_key_is_answered(self, talks, role):
        found = judge(talks.get(role, "good"), talks.rubric(role))
        assert [each.skill for each in found.skills] == list(load_skills())
        asked = {each.skill for each in found.criteria}
        for each in found.skills:
            is_outside = Seen.TRANSCRIPT not in load_skills()[each.skill].seen
            assert (each.status is SkillStatus.NOT_OBSERVABLE) == is_outside
            assert (each.basis == "rubric") == (each.skill in asked)
        assert all(0 <= each.score <= 100 for each in found.roots if each.score is not None)

    def test_a_key_of_the_tenants_own(self, talks):
        rubric = talks.rubric("support")
        section = rubric.sections[0]
        own = structs.replace(section.criteria[0], skill="relate.house_style")
        changed = structs.replace(
            rubric,
            sections=(
                structs.replace(section, criteria=(own, *section.criteria[1:])),
                *rubric.sections[1:],
            ),
        )
        found = judge(talks.get("support", "good"), changed)
        assert found.skills[-1].skill == "relate.house_style"
        assert found.skills[-1].score == found.criteria[0].score
        relate = next(each for each in found.roots if each.root == "relate")
        assert relate.skills >= 2
