"""The arithmetic of coverage, risk and repeats, by hand; the judge's numbers are not tested here."""

from fractions import Fraction

import pytest

from infra.coverage.conversations import Sample
from infra.coverage.curve import chance, ideal, ordered
from infra.coverage.decisions import (
    at_target,
    count,
    pool_counts,
    pool_repeats,
    repeats,
    smallest_band,
    with_band,
)
from infra.coverage.truth import Judged, contested, judged
from shared.contracts.scoring import Interval


def sample(
    overall: int | None,
    reach: tuple[int, int] = (5, 5),
    *,
    profile: str = "one",
    seed: int = 1,
    target: int = 70,
    confidence: int = 80,
) -> Sample:
    """Return a conversation; its interval reaches so far below and above the total."""
    around = None
    passed: bool | None = None
    if overall is not None:
        around = Interval(low=overall - reach[0], high=overall + reach[1])
        passed = None if around.low < target <= around.high else overall >= target
    return Sample(
        scenario="s",
        profile=profile,
        seed=seed,
        target=target,
        overall=overall,
        interval=around,
        confidence=confidence if overall is not None else 0,
        passed=passed,
        needs_review=(),
        skills=(),
    )


def kind(*totals: int | None, profile: str = "one", reach: int = 5) -> list[Sample]:
    return [
        sample(total, (reach, reach), profile=profile, seed=seed)
        for seed, total in enumerate(totals, start=1)
    ]


class TestTruth:
    def test_it_is_the_mean_of_the_others(self) -> None:
        found = judged(kind(60, 70, 90))
        assert [each.others for each in found] == [80, 75, 65]
        assert [each.is_truly_passed for each in found] == [True, True, False]

    def test_other_kinds_do_not_count(self) -> None:
        found = judged([*kind(60, 62), *kind(90, 94, profile="two")])
        assert [each.others for each in found] == [62, 60, 94, 90]

    def test_without_a_total_or_without_others_there_is_none(self) -> None:
        assert judged([*kind(60, None), *kind(80, profile="two")]) == []
        assert len(judged(kind(60, None, 61))) == 2

    def test_exactly_the_target_passes(self) -> None:
        assert judged(kind(10, 69, 71))[0].is_truly_passed
        assert not judged(kind(10, 69, 70))[0].is_truly_passed

    def test_contested_kinds(self) -> None:
        far, near, silent = kind(10, 20), kind(40, 71, profile="two"), kind(None, profile="three")
        assert contested([*far, *near, *silent]) == near


@pytest.mark.parametrize(
    ("overall", "reach", "points"),
    [(80, (5, 5), 5), (75, (5, 5), 0), (74, (5, 5), -1), (64, (5, 5), 0), (65, (5, 5), -1)],
)
def test_reach_is_negative_exactly_where_it_abstains(
    overall: int, reach: tuple[int, int], points: int
) -> None:
    one = sample(overall, reach)
    assert one.interval is not None
    found = Judged(sample=one, overall=overall, interval=one.interval, others=Fraction(70))
    assert found.reach == points
    assert (found.reach < 0) is (one.passed is None)


class TestDecisions:
    def test_coverage_and_risk(self) -> None:
        # Of the first kind all pass truly, and 72 is not decided; of the second, both are wrong.
        found = judged([*kind(80, 72, 88, profile="one"), *kind(60, 90, profile="two")])
        made = count(found)
        assert (made.conversations, made.decided, made.wrong) == (5, 4, 2)
        assert made.coverage == 0.8
        assert made.risk == 0.5

    def test_nothing_decided_is_no_risk(self) -> None:
        made = count(judged(kind(70, 70)))
        assert (made.coverage, made.risk) == (0.0, 0.0)

    def test_repeats_leave_the_undecided_out(self) -> None:
        found = repeats([*kind(80, 90, 60, 71), *kind(10, 20, profile="two")])
        assert (found.kinds, found.split_kinds) == (2, 1)
        assert (found.couples, found.same) == (4, 2)
        assert found.agreement == 0.5

    def test_pools_are_sums(self) -> None:
        samples = kind(80, 90, 60, 71)
        made, again = count(judged(samples)), repeats(samples)
        twice = pool_counts([made, made])
        assert (twice.conversations, twice.decided, twice.wrong) == (
            2 * made.conversations,
            2 * made.decided,
            2 * made.wrong,
        )
        assert twice.risk == made.risk
        assert pool_repeats([again, again, again]).couples == 3 * again.couples
        assert pool_repeats([again, again]).split_kinds == 2


class TestBand:
    @pytest.mark.parametrize(
        ("overall", "factor", "decision"),
        [
            (72, 0, True),
            (69, 0, False),
            (70, 0, True),
            (72, 1, None),
            (75, 1, True),
            (64, 1, False),
            (65, 1, None),
            (72, Fraction(2, 5), True),
            (72, Fraction(1, 2), None),
            (79, 2, None),
            (None, 0, None),
        ],
    )
    def test_factor(
        self, overall: int | None, factor: Fraction | int, *, decision: bool | None
    ) -> None:
        assert with_band(Fraction(factor))(sample(overall)) is decision

    def test_another_pass_mark(self) -> None:
        moved = at_target([sample(72), sample(80), sample(None)], 80)
        assert [each.target for each in moved] == [80, 80, 80]
        assert [each.passed for each in moved] == [False, None, None]

    def test_smallest_band(self) -> None:
        # 66 reaches the mark of 70 from half of its 8 points on; 80 alone is no couple.
        samples = kind(66, 80, reach=8)
        assert repeats(samples, with_band(Fraction(3, 8))).same == 0
        assert smallest_band(samples, Fraction(99, 100)) == Fraction(1, 2)
        assert smallest_band(kind(10, 20), Fraction(99, 100)) == 0
        assert smallest_band(kind(10, 99, reach=1), Fraction(1)) is None


class TestCurve:
    def found(self) -> list[Judged]:
        # The two surest are right, the other two are wrong.
        right = [
            sample(each, seed=seed, confidence=90 - seed) for seed, each in enumerate((80, 90))
        ]
        wrong = [
            sample(each, profile="two", seed=seed, confidence=50)
            for seed, each in enumerate((60, 90))
        ]
        return judged([*right, *wrong])

    def test_ordered(self) -> None:
        curve = ordered(self.found(), lambda each: each.sample.confidence)
        assert curve.risks == pytest.approx((0, 0, 1 / 3, 1 / 2))
        assert [curve.at(percent) for percent in (10, 50, 51, 75, 100)] == pytest.approx(
            [0, 0, 1 / 3, 1 / 3, 1 / 2]
        )
        assert curve.area == pytest.approx((1 / 3 + 1 / 2) / 4)

    def test_ties_count_as_in_the_mean_over_their_orders(self) -> None:
        assert chance(self.found()).risks == pytest.approx((0.5,) * 4)

    def test_no_order_beats_the_ideal(self) -> None:
        found = self.found()
        best = ideal(found)
        for curve in (chance(found), ordered(found, lambda each: each.reach)):
            assert all(a <= b + 1e-12 for a, b in zip(best.risks, curve.risks, strict=True))
            assert curve.at(100) == pytest.approx(best.at(100))
        assert ordered(found, lambda each: -each.sample.confidence).area > chance(found).area

    def test_nothing(self) -> None:
        assert (ideal([]).area, ideal([]).at(50)) == (0.0, 0.0)
