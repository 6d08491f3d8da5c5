"""The arithmetic against numbers worked out by hand."""

from fractions import Fraction

import pytest

from services.scoring_worker.judging.aggregate import (
    Measured,
    occasions,
    overall,
    points,
    round_half_up,
    skills,
    status,
    weigh,
)
from services.scoring_worker.judging.finding import Finding, Observation
from shared.contracts.rubric import Criterion, Indicator, Polarity, RubricSpec, Section
from shared.contracts.scoring import CriterionResult, SkillStatus, Verdict


def measured(hits, of, *, polarity=Polarity.GOOD, weight=10, full_at=100, census=False) -> Measured:
    seen = tuple(Observation(agent=n, start=0, end=1, hit=n < hits) for n in range(of))
    indicator = Indicator(key="k", title="K", polarity=polarity, weight=weight, full_at=full_at)
    return weigh(indicator, Finding(observations=seen, census=census))


class TestIndicator:
    @pytest.mark.parametrize(
        ("hits", "of", "full_at", "expected"),
        [
            (3, 4, 100, Fraction(335, 500)),  # (3 + .35) / 5
            (0, 4, 100, Fraction(35, 500)),  # .35 / 5
            (1, 1, 100, Fraction(135, 200)),  # one lucky hit is not a habit
            (2, 4, 40, Fraction(1)),  # 2.35 / 5 = .47 > .40
            (1, 4, 40, Fraction(675, 1000)),  # 1.35 / 5 / .4
        ],
    )
    def test_good_strength(self, hits, of, full_at, expected):
        assert measured(hits, of, full_at=full_at).strength == expected

    @pytest.mark.parametrize(
        ("hits", "of", "full_at", "expected"),
        [(0, 9, 10, Fraction(0)), (1, 9, 20, Fraction(1, 2)), (5, 9, 20, Fraction(1))],
    )
    def test_bad_strength_has_no_prior(self, hits, of, full_at, expected):
        assert measured(hits, of, polarity=Polarity.BAD, full_at=full_at).strength == expected

    @pytest.mark.parametrize(
        ("hits", "of", "verdict"),
        [
            (0, 0, Verdict.NO_OPPORTUNITY),
            (0, 1, Verdict.NOT_ENOUGH_EVIDENCE),
            (1, 1, Verdict.MET),
            (1, 4, Verdict.NOT_MET),
            (2, 4, Verdict.MET),
        ],
    )
    def test_verdict(self, hits, of, verdict):
        assert measured(hits, of).verdict is verdict

    def test_a_bad_one_is_met_as_soon_as_it_was_seen(self):
        assert measured(1, 50, polarity=Polarity.BAD).verdict is Verdict.MET
        assert measured(0, 50, polarity=Polarity.BAD).verdict is Verdict.NOT_MET


class TestCriterion:
    def test_good_and_bad_together(self):
        items = [
            measured(3, 4, weight=30),  # .67
            measured(0, 4, weight=10),  # .07
            measured(1, 9, polarity=Polarity.BAD, weight=50, full_at=20),  # .5 * 50 %
        ]
        # earned = (30 * .67 + 10 * .07) / 40 = .52; 20 + 80 * .52 = 61.6; * (1 - .25) = 46.2
        assert points(items) == Fraction(462, 10)

    def test_an_indicator_without_occasion_leaves_the_denominator(self):
        assert points([measured(3, 4, weight=30), measured(0, 0, weight=70)]) == points(
            [measured(3, 4, weight=30)]
        )

    def test_a_checklist_is_steps_done_over_steps_required(self):
        items = [measured(1, 1, census=True) for _ in range(2)]
        items.append(measured(0, 1, census=True))
        assert round_half_up(points(items)) == 67
        assert points([measured(0, 1, census=True)]) == 0

    def test_nothing_shown_is_the_floor_and_everything_is_not_the_ceiling(self):
        assert 20 < points([measured(0, 40)]) < 22
        assert 97 < points([measured(40, 40)]) < 100

    def test_bad_behavior_can_take_all(self):
        bad = measured(9, 9, polarity=Polarity.BAD, weight=100, full_at=20)
        assert points([measured(4, 4), bad]) == 0

    def test_more_hits_never_lower_and_more_bad_never_raises(self):
        rising = [points([measured(n, 8)]) for n in range(9)]
        assert rising == sorted(rising)
        falling = [
            points([measured(4, 8), measured(n, 8, polarity=Polarity.BAD)]) for n in range(9)
        ]
        assert falling == sorted(falling, reverse=True)

    @pytest.mark.parametrize(
        ("of", "turns", "expected"),
        [
            (0, 9, SkillStatus.NO_OPPORTUNITY),
            (1, 9, SkillStatus.INSUFFICIENT_EVIDENCE),
            (2, 2, SkillStatus.INSUFFICIENT_EVIDENCE),
            (2, 3, SkillStatus.SCORED),
        ],
    )
    def test_status(self, of, turns, expected):
        assert status([measured(0, of)], agent_turns=turns) is expected

    def test_bad_behavior_without_hits_is_no_occasion(self):
        assert occasions([measured(0, 9, polarity=Polarity.BAD)]) == 0
        assert occasions([measured(2, 9, polarity=Polarity.BAD)]) == 2


def rubric(*sections: tuple[int, tuple[int, ...]]) -> RubricSpec:
    indicator = Indicator(key="greets", title="G", polarity=Polarity.GOOD, weight=1)
    return RubricSpec(
        slug="r",
        title="R",
        target=70,
        sections=tuple(
            Section(
                key=f"s{s}",
                title="S",
                weight=weight,
                criteria=tuple(
                    Criterion(
                        key=f"s{s}c{c}", title="C", skill="x", weight=w, indicators=(indicator,)
                    )
                    for c, w in enumerate(weights)
                ),
            )
            for s, (weight, weights) in enumerate(sections)
        ),
    )


class TestForm:
    def test_all_scored(self):
        # (60 * (30 * 80 + 10 * 40) / 40 + 40 * 50) / 100 = (60 * 70 + 2000) / 100
        spec = rubric((60, (30, 10)), (40, (1,)))
        assert overall(spec, {"s0c0": 80, "s0c1": 40, "s1c0": 50}) == 62

    def test_not_scored_leaves_its_section(self):
        spec = rubric((60, (30, 10)), (40, (1,)))
        assert overall(spec, {"s0c0": 80, "s0c1": None, "s1c0": 50}) == 68

    def test_a_section_without_score_leaves_the_total(self):
        spec = rubric((60, (30, 10)), (40, (1,)))
        assert overall(spec, {"s0c0": 80, "s0c1": 40, "s1c0": None}) == 70

    def test_under_half_of_the_weight_there_is_no_total(self):
        spec = rubric((60, (30, 10)), (40, (1,)))
        assert overall(spec, {"s0c0": None, "s0c1": None, "s1c0": 50}) is None
        assert overall(spec, {"s0c0": None, "s0c1": 40, "s1c0": 50}) == 44  # 55 of 100 scored
        assert overall(spec, {"s0c0": None, "s0c1": None, "s1c0": None}) is None

    def test_exactly_half_is_enough(self):
        spec = rubric((50, (1,)), (50, (1,)))
        assert overall(spec, {"s0c0": 33, "s1c0": None}) == 33

    def test_halves_round_up(self):
        assert [round_half_up(Fraction(n, 2)) for n in (0, 1, 3, 5)] == [0, 1, 2, 3]

    def test_a_skill_with_two_criteria_is_their_weighted_mean(self):
        def result(key: str, score: int | None) -> CriterionResult:
            found = SkillStatus.SCORED if score is not None else SkillStatus.NO_OPPORTUNITY
            return CriterionResult(
                key=key, title=key, skill="x", status=found, score=score, indicators=()
            )

        spec = rubric((1, (30, 10)))
        seen = {"s0c0": 4, "s0c1": 3}
        (both,) = skills(spec, [result("s0c0", 80), result("s0c1", 40)], seen)
        assert (both.score, both.opportunities) == (70, 7)
        (one,) = skills(spec, [result("s0c0", None), result("s0c1", 40)], seen)
        assert (one.score, one.status) == (40, SkillStatus.SCORED)
        (none,) = skills(spec, [result("s0c0", None), result("s0c1", None)], seen)
        assert (none.score, none.status) == (None, SkillStatus.NO_OPPORTUNITY)
