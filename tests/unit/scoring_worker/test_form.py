"""The arithmetic of forms against numbers worked out by hand."""

from typing import Any

import pytest
from msgspec import structs

from services.scoring_worker.judging.judge import judge
from shared.contracts.rubric import (
    Anchor,
    AutoFail,
    Band,
    Condition,
    Criterion,
    Indicator,
    Polarity,
    RubricSpec,
    Section,
)
from shared.contracts.scoring import (
    CriterionResult,
    Evidence,
    IndicatorResult,
    Interval,
    SkillStatus,
    Verdict,
)
from shared.scorecard.conditions import auto_fails, is_enabled, level
from shared.scorecard.form import total

GREETS = Indicator(key="greets", title="Greets", polarity=Polarity.GOOD, weight=1)
SECRET = Indicator(
    key="asks_for_secret", title="Asks for a secret", polarity=Polarity.BAD, weight=60, full_at=10
)
BASE = Criterion(
    key="c", title="C", skill="relate.courtesy", weight=1, indicators=(GREETS,), help_text="h"
)


def criterion(key: str, weight: int = 1, **fields: Any) -> Criterion:
    return structs.replace(BASE, key=key, weight=weight, **fields)


def form(*sections: tuple[int, tuple[Criterion, ...]], **fields: Any) -> RubricSpec:
    return RubricSpec(
        slug="r",
        title="R",
        target=fields.pop("target", 70),
        sections=tuple(
            Section(key=f"s{n}", title="S", weight=weight, criteria=criteria)
            for n, (weight, criteria) in enumerate(sections)
        ),
        **fields,
    )


def result(
    key: str, score: int | None, *, off: int = 0, seen: int = 6, **fields: Any
) -> CriterionResult:
    """`off`: how far the interval reaches to both sides; a None without `status` had no occasion."""
    unseen = SkillStatus.NO_OPPORTUNITY
    around = (
        None if score is None else Interval(low=max(0, score - off), high=min(100, score + off))
    )
    given = {
        "status": unseen if score is None else SkillStatus.SCORED,
        "opportunities": 0 if score is None else seen,
        **fields,
    }
    return CriterionResult(
        key=key,
        title=key,
        skill="relate.courtesy",
        score=score,
        interval=around,
        **{"indicators": (), **given},
    )


def scored(spec: RubricSpec, off: int = 0, **scores: int | None):
    return total(spec, {key: result(key, score, off=off) for key, score in scores.items()})


TWO = form((60, (criterion("a", 30), criterion("b", 10))), (40, (criterion("c"),)))


class TestPercent:
    def test_all_scored(self):
        # (60 * (30 * 80 + 10 * 40) / 40 + 40 * 50) / 100 = (60 * 70 + 2000) / 100
        found = scored(TWO, a=80, b=40, c=50)
        assert (found.overall, found.form.base) == (62, 62)
        assert [each.score for each in found.form.sections] == [70, 50]
        assert found.form.earned_points is None

    def test_not_scored_leaves_its_section(self):
        assert scored(TWO, a=80, b=None, c=50).overall == 68

    def test_a_section_without_score_leaves_the_total(self):
        found = scored(TWO, a=80, b=40, c=None)
        assert found.overall == 70
        assert [each.score for each in found.form.sections] == [70, None]

    def test_under_half_of_the_weight_there_is_no_total(self):
        found = scored(TWO, a=None, b=None, c=50)
        assert (found.overall, found.form.base, found.interval) == (None, None, None)
        assert found.form.passed is None
        assert [each.score for each in found.form.sections] == [None, 50]
        assert scored(TWO, a=None, b=40, c=50).overall == 44  # 55 of 100 scored
        assert scored(TWO, a=None, b=None, c=None).overall is None

    def test_exactly_half_is_enough(self):
        spec = form((50, (criterion("a"),)), (50, (criterion("b"),)))
        assert scored(spec, a=33, b=None).overall == 33

    def test_sections_are_not_rounded_on_the_way(self):
        # sections 33 1/3 and 33 2/3: their mean is 33.5, and 34 only without rounding before
        thirds = (criterion("a"), criterion("b", 2))
        spec = form((50, thirds), (50, (criterion("c"), criterion("d", 2))))
        found = scored(spec, a=0, b=50, c=1, d=50)
        assert [each.score for each in found.form.sections] == [33, 34]
        assert found.overall == 34

    def test_without_occasion_a_criterion_that_must_be_shown_counts_zero(self):
        spec = form((1, (criterion("a", 30, na_allowed=False), criterion("b", 10))))
        assert scored(spec, a=None, b=80).overall == 20
        unsure = result("a", None, status=SkillStatus.INSUFFICIENT_EVIDENCE)
        assert total(spec, {"a": unsure, "b": result("b", 80)}).overall is None

    def test_nothing_at_all_scored_is_no_zero(self):
        spec = form((1, (criterion("a", na_allowed=False),)))
        assert scored(spec, a=None).overall is None


class TestPoints:
    def test_earned_over_applicable(self):
        spec = form((1, (criterion("a", 30), criterion("b", 10))), (9, (criterion("c", 5),)))
        points = structs.replace(spec, kind="points")
        # 30 * .8 + 10 * .4 + 5 * .5 = 30.5 of 45: 67.8 %; section weights mean nothing
        found = scored(points, a=80, b=40, c=50)
        assert (found.overall, found.form.earned_points, found.form.applicable_points) == (
            68,
            31,
            45,
        )
        without = scored(points, a=80, b=None, c=50)
        assert without.form.applicable_points == 35
        assert without.overall == 76  # 26.5 of 35

    def test_bonus_points_are_points_of_the_form(self):
        spec = form((1, (criterion("a", 40), criterion("x", 4, kind="bonus"))), kind="points")
        found = scored(spec, a=50, x=50)
        assert (found.form.base, found.form.bonus, found.overall) == (50, 2, 55)  # 22 of 40


class TestBonusAndPenalty:
    SPEC = form(
        (
            1,
            (
                criterion("a"),
                criterion("more", 10, kind="bonus"),
                criterion("less", 20, kind="penalty"),
            ),
        )
    )

    def test_they_stand_apart_from_the_base(self):
        found = scored(self.SPEC, a=60, more=50, less=75)
        assert (found.form.base, found.form.bonus, found.form.penalty) == (60, 5, 5)
        assert found.overall == 60
        assert found.form.sections[0].score == 60

    def test_without_occasion_they_do_nothing(self):
        assert scored(self.SPEC, a=60, more=None, less=None).overall == 60

    @pytest.mark.parametrize(("a", "more", "less", "overall"), [(95, 100, 100, 100), (5, 0, 0, 0)])
    def test_the_total_stays_within_the_scale(self, a, more, less, overall):
        assert scored(self.SPEC, a=a, more=more, less=less).overall == overall

    def test_alone_they_are_no_score(self):
        assert scored(self.SPEC, a=None, more=100, less=100).overall is None


class TestCondition:
    def earlier(self, score: int | None, **fields: Any):
        return {"a": result("a", score, **fields)}

    @pytest.mark.parametrize(
        ("condition", "score", "holds"),
        [
            (Condition(criterion="a", at_least=50), 50, True),
            (Condition(criterion="a", at_least=50), 49, False),
            (Condition(criterion="a", at_least=50), None, False),
            (Condition(criterion="a", below=50), 49, True),
            (Condition(criterion="a", below=50), 50, False),
            (Condition(criterion="a", at_least=20, below=50), 30, True),
            (Condition(criterion="a", had_opportunity=True), 5, True),
            (Condition(criterion="a", had_opportunity=True), None, False),
            (Condition(criterion="a", had_opportunity=False), None, True),
            (Condition(criterion="later", had_opportunity=False), 5, False),
        ],
    )
    def test_it_reads_the_earlier_result(self, condition, score, holds):
        assert is_enabled(condition, self.earlier(score)) is holds

    def test_one_look_is_an_opportunity_too(self):
        seen = self.earlier(None, status=SkillStatus.INSUFFICIENT_EVIDENCE)
        assert is_enabled(Condition(criterion="a", had_opportunity=True), seen)

    def test_what_hangs_on_an_unasked_criterion_is_not_asked(self):
        unasked = self.earlier(None, enabled=False)
        assert not is_enabled(Condition(criterion="a", had_opportunity=False), unasked)

    def test_the_judge_leaves_out_what_is_not_asked(self, talks):
        late = criterion("late", 99, enable_if=Condition(criterion="early", below=1))
        early = criterion("early", indicators=(GREETS, structs.replace(GREETS, key="closes")))
        found = judge(talks.get("support", "good"), form((1, (early, late))))
        asked, unasked = found.criteria
        assert (asked.enabled, unasked.enabled) == (True, False)
        assert (unasked.score, unasked.indicators) == (None, ())
        assert found.overall == asked.score

    def test_not_asked_leaves_even_the_weight_that_must_be_scored(self):
        given = {"a": result("a", 40), "b": result("b", None, enabled=False), "c": result("c", 60)}
        assert total(TWO, given).overall == 48  # section 40 at weight 60, section 60 at weight 40


class TestAutoFail:
    def seen(self, verdict: Verdict, polarity: Polarity = Polarity.BAD) -> IndicatorResult:
        return IndicatorResult(
            key="asks_for_secret",
            title="",
            polarity=polarity,
            verdict=verdict,
            opportunities=1,
            hits=1,
            evidence=(Evidence(turn_id="t", start=0, end=1, quote="x"),),
        )

    def test_an_indicator_that_was_seen_fails(self):
        rule = criterion("a", auto_fail=AutoFail(indicators=("asks_for_secret",)))
        assert auto_fails(rule, result("a", 90, indicators=(self.seen(Verdict.MET),)))
        assert not auto_fails(rule, result("a", 90, indicators=(self.seen(Verdict.NOT_MET),)))
        good = self.seen(Verdict.MET, Polarity.GOOD)
        assert not auto_fails(rule, result("a", 90, indicators=(good,)))

    @pytest.mark.parametrize(("score", "fails"), [(29, True), (30, False), (None, False)])
    def test_too_low_a_score_fails(self, score, fails):
        assert auto_fails(criterion("a", auto_fail=AutoFail(below=30)), result("a", score)) is fails

    def test_the_rest_is_kept_beside_the_cap(self):
        rules = (
            criterion("a", 3, auto_fail=AutoFail(below=30, cap=40)),
            criterion("b", 1, auto_fail=AutoFail(below=90, cap=25)),
        )
        spec = form((1, rules), target=50)
        found = scored(spec, off=10, a=100, b=60)
        assert (found.overall, found.form.pre_fail_score, found.form.base) == (25, 90, 90)
        assert found.form.auto_failed == ("b",)
        assert found.form.passed is False
        assert found.interval == Interval(low=25, high=25)
        both = scored(spec, a=20, b=60)
        assert (both.overall, both.form.auto_failed) == (25, ("a", "b"))
        neither = scored(spec, a=90, b=90)
        assert (neither.overall, neither.form.pre_fail_score) == (90, None)

    def test_a_cap_above_the_score_takes_nothing(self):
        spec = form((1, (criterion("a", auto_fail=AutoFail(below=30, cap=40)),)))
        found = scored(spec, a=10)
        assert (found.overall, found.form.pre_fail_score) == (10, 10)

    def test_the_judge_fails_the_form_and_says_so(self, talks):
        rule = criterion(
            "secrets", indicators=(SECRET,), auto_fail=AutoFail(indicators=("asks_for_secret",))
        )
        spec = form((1, (criterion("warm"), rule)))
        lines = (
            "C: My card is gone.\nA: Hello. {}\nC: Oh. Why?\nA: To look it up for you.\n"
            "C: All right then.\nA: Thank you, goodbye.\n"
        )
        clean = judge(talks(lines.format("What is your name, please?")), spec)
        assert (clean.overall, clean.form.auto_failed) == (100, ())
        failed = judge(talks(lines.format("Please tell me your PIN and password.")), spec)
        assert failed.overall == 0
        assert failed.form.pre_fail_score > 0
        assert failed.form.auto_failed == ("secrets",)
        assert "auto_fail" in failed.needs_review


class TestRank:
    def test_the_band_that_the_score_reaches(self):
        bands = (Band(from_score=80, label="top"), Band(from_score=40, label="middle"))
        spec = form((1, (criterion("a"),)), bands=bands)
        assert [scored(spec, a=n).form.band for n in (39, 40, 79, 80)] == [
            None,
            "middle",
            "middle",
            "top",
        ]

    def test_the_anchor_that_a_criterion_reaches(self):
        anchors = tuple(
            Anchor(from_score=n, label=label, text="") for n, label in ((0, "low"), (60, "high"))
        )
        rule = criterion("a", anchors=anchors)
        assert [level(rule, n) for n in (None, 0, 59, 60)] == [None, "low", "low", "high"]
        assert level(criterion("b"), 50) is None

    @pytest.mark.parametrize(
        ("score", "off", "passed"),
        [
            (70, 0, True),
            (69, 0, False),
            (75, 5, True),
            (75, 6, None),
            (60, 9, False),
            (60, 10, None),
        ],
    )
    def test_passed_only_when_the_whole_interval_says_so(self, score, off, passed):
        assert scored(form((1, (criterion("a"),))), off=off, a=score).form.passed is passed

    def test_failed_critical_criteria_are_named_and_take_nothing(self):
        rules = (criterion("a", critical=True), criterion("b", critical=True), criterion("c"))
        found = scored(form((1, rules)), a=69, b=70, c=71)
        assert found.form.critical_failed == ("a",)
        assert found.overall == 70
