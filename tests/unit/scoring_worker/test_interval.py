"""Intervals: they hold the score, shrink with occasions, and say when nothing is settled."""

from fractions import Fraction
from math import isclose, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring_worker.judging.aggregate import Measured, base_points, points, sort, weigh
from services.scoring_worker.judging.finding import Finding, Observation
from services.scoring_worker.judging.interval import SLIP, Z, criterion_bounds, strength_bounds
from services.scoring_worker.judging.judge import judge
from shared.contracts.rubric import Indicator, Polarity
from shared.contracts.scoring import Interval
from shared.scorecard.bounds import (
    SHARED,
    Bounds,
    bounds_of,
    combine,
    confidence,
    interval,
    round_half_up,
)

ROLES = ("support", "sales", "fraud", "collections")


def measured(hits, of, *, polarity=Polarity.GOOD, weight=10, full_at=100, census=False) -> Measured:
    seen = tuple(Observation(agent=n, start=0, end=1, hit=n < hits) for n in range(of))
    indicator = Indicator(key="k", title="K", polarity=polarity, weight=weight, full_at=full_at)
    return weigh(indicator, Finding(observations=seen, census=census))


def around(items) -> Interval:
    return interval(points(items), criterion_bounds(sort(items), base_points(sort(items))))


class TestIndicator:
    def test_the_beta_posterior_by_hand(self):
        # 3 of 4: mean 3.35 / 5 = .67, variance .67 * .33 / 6
        reach = Z * sqrt(0.67 * 0.33 / 6)
        found = strength_bounds(measured(3, 4))
        assert isclose(found.below, reach)
        assert isclose(found.above, reach)

    def test_a_rate_stays_within_its_scale(self):
        # 4 of 4: mean 4.35 / 5 = .87, and .87 + .226 would be more than always
        assert isclose(strength_bounds(measured(4, 4)).above, 1 - 0.87)

    def test_what_counts_in_full_earlier_is_sure_earlier(self):
        # 2 of 4 at 40 %: mean .47, strength 1; only the lower side is open
        low = (0.47 - Z * sqrt(0.47 * 0.53 / 6)) / 0.4
        found = strength_bounds(measured(2, 4, full_at=40))
        assert isclose(found.below, 1 - low)
        assert found.above == 0

    def test_a_check_of_the_whole_conversation_may_be_misread(self):
        found = strength_bounds(measured(1, 1, census=True))
        assert isclose(found.below, Z * sqrt(SLIP * (1 - SLIP)))
        assert found.above == 0

    def test_bad_behavior_that_was_not_seen_opens_nothing(self):
        assert strength_bounds(measured(0, 9, polarity=Polarity.BAD)) == Bounds(0, 0)
        assert strength_bounds(measured(1, 9, polarity=Polarity.BAD)).below > 0


class TestSum:
    def test_parts_correlate_a_little(self):
        found = combine([(0.5, Bounds(10, 0)), (0.5, Bounds(10, 4))])
        assert isclose(found.below, sqrt((1 - SHARED) * 50 + SHARED * 100))
        assert isclose(found.above, 2.0)

    def test_of_nothing_is_nothing(self):
        assert combine([]) == Bounds(0, 0)

    def test_there_and_back(self):
        assert bounds_of(40, Interval(low=30, high=65)) == Bounds(10, 25)
        assert interval(Fraction(40), Bounds(9.2, 24.1)) == Interval(low=30, high=65)
        assert interval(Fraction(95), Bounds(99, 24.1)) == Interval(low=0, high=100)

    @pytest.mark.parametrize("value", [Fraction(401, 10), Fraction(405, 10), Fraction(409, 10)])
    def test_the_rounded_score_is_always_inside(self, value):
        found = interval(value, Bounds(0, 0))
        assert found == Interval(low=40, high=41)
        assert found.low <= round_half_up(value) <= found.high


counts = st.integers(0, 6).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of)))
items = st.builds(
    lambda count, polarity, weight, full_at, census: measured(
        *count, polarity=polarity, weight=weight, full_at=full_at, census=census
    ),
    counts,
    st.sampled_from(Polarity),
    st.integers(1, 100),
    st.integers(1, 100),
    st.booleans(),
)


class TestCriterion:
    @given(st.lists(items, min_size=1, max_size=6))
    def test_the_score_lies_within_its_interval(self, several):
        score = round_half_up(points(several))
        found = around(several)
        assert 0 <= found.low <= score <= found.high <= 100

    @given(
        of=st.integers(1, 6),
        hits=st.integers(0, 6),
        more=st.integers(2, 8),
        full_at=st.sampled_from([20, 34, 50, 60, 80, 100]),
    )
    def test_never_narrower_with_fewer_occasions(self, of, hits, more, full_at):
        """The same rate seen more often."""
        hits = min(hits, of)
        few = around([measured(hits, of, full_at=full_at)])
        many = around([measured(hits * more, of * more, full_at=full_at)])
        assert few.high - few.low >= many.high - many.low

    @given(of=st.integers(1, 6), more=st.integers(2, 8), full_at=st.integers(10, 100))
    def test_never_narrower_with_fewer_occasions_of_several(self, of, more, full_at):
        def several(times: int) -> list[Measured]:
            return [
                measured(of * times, 2 * of * times, full_at=full_at, weight=30),
                measured(0, of * times, weight=20),
                measured(of * times, 4 * of * times, polarity=Polarity.BAD, weight=40, full_at=50),
            ]

        few, many = around(several(1)), around(several(more))
        assert few.high - few.low >= many.high - many.low

    def test_a_checklist_with_more_checks_is_surer(self):
        widths = []
        for checks in (2, 4, 8):
            found = around([measured(n % 2, 1, census=True) for n in range(checks)])
            widths.append(found.high - found.low)
        assert widths == sorted(widths, reverse=True)
        assert len(set(widths)) == 3

    def test_harm_that_was_seen_opens_the_interval(self):
        calm = [measured(8, 8)]
        harmed = [*calm, measured(1, 8, polarity=Polarity.BAD, weight=60, full_at=20)]
        one, other = around(calm), around(harmed)
        assert other.high - other.low > one.high - one.low


class TestConfidence:
    def test_by_hand(self):
        assert confidence(Interval(low=40, high=70), 6) == 70 * 6 // 8
        assert confidence(Interval(low=0, high=100), 50) == 0
        assert confidence(Interval(low=50, high=50), 0) == 0

    @given(width=st.integers(0, 100), seen=st.integers(0, 50))
    def test_more_occasions_or_less_width_never_lower_it(self, width, seen):
        here = confidence(Interval(low=0, high=width), seen)
        assert 0 <= here <= confidence(Interval(low=0, high=width), seen + 1) <= 100
        assert here >= confidence(Interval(low=0, high=min(100, width + 1)), seen)


class TestJudge:
    @pytest.mark.parametrize("role", ROLES)
    @pytest.mark.parametrize("quality", ["good", "average", "bad"])
    def test_every_number_has_bounds_and_confidence(self, talks, role, quality):
        found = judge(talks.get(role, quality), talks.rubric(role))
        for each in (*found.criteria, *found.skills, found):
            score = found.overall if each is found else each.score
            assert (score is None) == (each.interval is None)
            if score is not None:
                assert each.interval.low <= score <= each.interval.high
                assert 0 < each.confidence <= 100
            else:
                assert each.confidence == 0

    @pytest.mark.parametrize("role", ROLES)
    def test_the_whole_is_surer_than_its_parts(self, talks, role):
        found = judge(talks.get(role, "average"), talks.rubric(role))
        parts = [c.interval.high - c.interval.low for c in found.criteria if c.interval]
        assert found.interval.high - found.interval.low < sum(parts) / len(parts)

    def test_a_target_inside_the_interval_asks_for_a_person(self, talks):
        talk, spec = talks.get("sales", "average"), talks.rubric("sales")
        found = judge(talk, spec)
        assert found.form.passed is (None if self.inside(found, spec.target) else False)
        near = spec.__class__(**{**fields(spec), "target": found.overall})
        open_case = judge(talk, near)
        assert open_case.form.passed is None
        assert "interval_across_pass_mark" in open_case.needs_review
        clear = judge(talk, spec.__class__(**{**fields(spec), "target": found.interval.low}))
        assert clear.form.passed is True
        assert "interval_across_pass_mark" not in clear.needs_review

    @staticmethod
    def inside(found, target: int) -> bool:
        return found.interval.low < target <= found.interval.high


def fields(spec) -> dict[str, object]:
    return {name: getattr(spec, name) for name in spec.__struct_fields__}


def test_exactness_of_the_score_is_not_touched():
    assert points([measured(3, 4)]) == 20 + 80 * Fraction(335, 500)
