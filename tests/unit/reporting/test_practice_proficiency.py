"""Proficiency: the formula, its interval, tiers, and bands that hide small groups."""

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID, uuid5

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reporting.trends.proficiency import (
    TIERS,
    Moments,
    bands,
    levels,
    scores_by_skill,
    tier_of,
)

TODAY = date(2026, 9, 30)
PERSON = UUID(int=1)


def moments(
    scores: Sequence[tuple[int, int]], skill: str = "relate.empathy", person: UUID = PERSON
) -> Moments:
    """Sums of (age in days, score), as the query makes them."""
    weights = [0.5 ** (age / 30) for age, _ in scores]
    pairs = [(g, score) for g, (_, score) in zip(weights, scores, strict=True)]
    return Moments(
        person_id=person,
        skill=skill,
        n=len(scores),
        weight=sum(weights),
        weight_squares=sum(g * g for g in weights),
        total=sum(g * score for g, score in pairs),
        squares=sum(g * score * score for g, score in pairs),
        newest=TODAY - timedelta(days=min(age for age, _ in scores)),
    )


def test_a_score_30_days_older_counts_half() -> None:
    (level,), unknown = levels([moments([(0, 90), (30, 60), (60, 30)])])

    # (90 + 60 / 2 + 30 / 4) / (1 + 1/2 + 1/4) = 72.857
    assert (level.score, level.n, level.newest) == (72.9, 3, TODAY)
    assert level.tier == "developing"
    assert unknown == ()


def test_two_scores_say_nothing() -> None:
    known, (unknown,) = levels([moments([(1, 90), (2, 90)])])

    assert known == ()
    assert (unknown.n, unknown.newest) == (2, TODAY - timedelta(days=1))


@pytest.mark.parametrize(
    ("score", "tier"),
    [
        (100, "mastered"), (90, "mastered"), (89.9, "proficient"), (75, "proficient"),
        (74.9, "developing"), (50, "developing"), (49.9, "beginning"), (0, "beginning"),
    ],
)  # fmt: skip
def test_tiers(score: float, tier: str) -> None:
    assert tier_of(score) == tier


def test_intervals_hold_the_truth() -> None:
    random = np.random.default_rng(7)
    held = shown = 0
    for _ in range(300):
        truths = random.uniform(30, 70, 6)
        rows = []
        for number, truth in enumerate(truths):
            ages = random.integers(0, 90, 8)
            scores = np.clip(np.rint(random.normal(truth, 12, 8)), 0, 100)
            pairs = list(zip(ages.tolist(), map(int, scores), strict=True))
            rows.append(moments(pairs, skill=f"a.s{number}"))
        known, _ = levels(rows)
        held += sum(
            level.low <= truth <= level.high for level, truth in zip(known, truths, strict=True)
        )
        shown += len(known)

    assert 0.87 <= held / shown <= 0.93  # a 90 % interval


def test_more_and_newer_scores_are_surer() -> None:
    few, _ = levels([moments([(0, 60), (1, 62), (2, 58)])])
    many, _ = levels([moments([(age, 60 + (-1) ** age * 2) for age in range(30)])])
    old, _ = levels([moments([(0, 60), (120, 62), (150, 58)])])

    assert few[0].confidence == "low"
    assert many[0].confidence == "high"
    assert old[0].high - old[0].low > few[0].high - few[0].low


def test_people_who_have_a_proficiency_by_skill() -> None:
    second = UUID(int=2)
    rows = [
        moments([(0, 80)] * 3),
        moments([(0, 60)] * 3, person=second),
        moments([(0, 60)] * 2, skill="solve.path", person=second),
    ]

    assert scores_by_skill(rows) == {"relate.empathy": {PERSON: 80.0, second: 60.0}}


class TestBands:
    def test_every_tier_alone_where_enough_people_are_in_each(self) -> None:
        shown = bands([95] * 5 + [80] * 6 + [60] * 7 + [10] * 8, at_least=5)

        assert [(each.tiers, each.people) for each in shown] == [
            (("mastered",), 5),
            (("proficient",), 6),
            (("developing",), 7),
            (("beginning",), 8),
        ]

    def test_small_ones_join_their_neighbors(self) -> None:
        shown = bands([95] + [80] * 4 + [60] * 6 + [10] * 2, at_least=5)

        assert [(each.tiers, each.people) for each in shown] == [
            (("mastered", "proficient"), 5),
            (("developing", "beginning"), 8),
        ]

    def test_too_few_people_have_none(self) -> None:
        assert bands([95, 80, 60, 10], at_least=5) == ()

    @given(st.lists(st.integers(0, 100), max_size=60), st.integers(5, 9))
    def test_no_band_is_small_and_nobody_is_lost(self, scores: list[int], least: int) -> None:
        shown = bands(scores, at_least=least)

        assert all(each.people >= least for each in shown)
        assert sum(each.people for each in shown) == (len(scores) if len(scores) >= least else 0)
        if shown:
            assert tuple(tier for each in shown for tier in each.tiers) == tuple(
                tier for _, tier in TIERS
            )


def test_names_of_people_do_not_matter() -> None:
    people = [uuid5(PERSON, str(number)) for number in range(6)]
    rows = [moments([(0, 50 + number)] * 3, person=each) for number, each in enumerate(people)]

    assert scores_by_skill(rows) == scores_by_skill(rows[::-1])
