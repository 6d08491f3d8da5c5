"""The arithmetic against numbers worked out by hand."""

from fractions import Fraction

import pytest

from services.scoring_worker.judging.aggregate import (
    Measured,
    occasions,
    points,
    sort,
    status,
    weigh,
)
from services.scoring_worker.judging.finding import Finding, Observation
from shared.contracts.rubric import Indicator, Polarity
from shared.contracts.scoring import SkillStatus, Verdict
from shared.scorecard.bounds import round_half_up


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
        assert status(occasions(sort([measured(0, of)])), agent_turns=turns) is expected

    def test_bad_behavior_without_hits_is_no_occasion_beside_good_ones(self):
        asked = measured(0, 0)
        assert occasions(sort([asked, measured(0, 9, polarity=Polarity.BAD)])) == 0
        assert occasions(sort([asked, measured(2, 9, polarity=Polarity.BAD)])) == 2

    def test_a_rule_that_must_not_be_broken_is_kept_by_every_answer(self):
        kept = [measured(0, 9, polarity=Polarity.BAD, weight=60, full_at=10)]
        assert (occasions(sort(kept)), points(kept)) == (9, 100)
        broken = [measured(1, 9, polarity=Polarity.BAD, weight=60, full_at=10)]
        assert (occasions(sort(broken)), points(broken)) == (9, 40)

    def test_no_occasion_for_anything_good_is_middling(self):
        assert points([measured(0, 0)]) == 48

    def test_halves_round_up(self):
        assert [round_half_up(Fraction(n, 2)) for n in (0, 1, 3, 5)] == [0, 1, 2, 3]
