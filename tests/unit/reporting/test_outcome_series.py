"""Outcomes over time: what is counted, what is hidden, and that nothing hidden can be subtracted."""

import random
from collections.abc import Iterable
from datetime import date, timedelta
from itertools import combinations
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from services.reporting.trends.buckets import bucket_of, last_day
from services.reporting.trends.outcome_numbers import (
    Answers,
    Contacts,
    Form,
    handle_time_series,
    resolution_series,
    survey_series,
    transfer_series,
)
from services.reporting.trends.outcome_words import decimal
from services.reporting.trends.outcomes import Frame, Week, blocks_in
from shared.contracts.reports.outcomes import MIN_ANSWERS, Unit

CSAT = Form("csat-5", "csat", 1, 5, (4, 5))
NPS = Form("nps", "nps", 0, 10, (9, 10))
CES = Form("ces", "ces", 1, 7, (5, 6, 7))

MONDAYS = (date(2026, 3, 2), date(2026, 3, 9), date(2026, 3, 16), date(2026, 3, 23))
PEOPLE = [UUID(int=number) for number in range(40)]


def frame(
    start: date = date(2026, 3, 1),
    end: date = date(2026, 3, 31),
    unit: Unit = "month",
    today: date = date(2026, 6, 10),
    min_people: int = 5,
) -> Frame:
    return Frame(start, end, unit, bucket_of(today), min_people)


def answers(
    scores: Iterable[int | None], bucket: date = MONDAYS[0], people: int = 5
) -> list[Answers]:
    return [Answers(bucket, PEOPLE[place % people], score, 1) for place, score in enumerate(scores)]


def contacts(
    bucket: date = MONDAYS[0], person: int = 0, seconds: Iterable[int] = (), **counts: int
) -> Contacts:
    known = dict.fromkeys(
        ("judged", "first", "first_resolved", "transfers_known", "transferred"), 0
    )
    return Contacts(
        bucket, PEOPLE[person], np.array(list(seconds), np.int64), **{**known, **counts}
    )


class TestNumbers:
    def test_csat_is_the_positive_share_with_wilsons_interval_and_the_native_mean(self) -> None:
        scores = [5, 5, 4, 4, 4, 3, 2, 1, 5, 4, 4, 4, None, None, None, None]
        found = survey_series(CSAT, answers(scores), frame())
        assert found.period is not None
        low, high = proportion_confint(9, 12, alpha=0.1, method="wilson")
        share = found.period.positive
        assert share is not None
        assert (share.value, share.n) == (75.0, 12)
        assert (share.low, share.high) == (round(100 * low, 1), round(100 * high, 1))
        assert found.period.mean == 3.75
        assert (found.period.delivered, found.period.answered) == (16, 12)
        assert found.period.response_rate == 75.0
        assert found.period.learners == 5
        assert found.period.nps is None
        assert found.sentence == (
            f"75 % of 12 answers to csat-5 were positive (90 % interval {share.low} to {share.high})"
            ", 3.75 on average; 75 % of 16 surveys were answered."
        )

    def test_another_positive_set_counts_the_same_answers_anew(self) -> None:
        strict = CSAT._replace(positive=(5,))
        found = survey_series(strict, answers([5, 4] * 10), frame()).period
        assert found is not None
        assert found.positive is not None
        assert found.positive.value == 50.0

    def test_nps_is_promoters_less_detractors_over_all(self) -> None:
        scores = [10] * 5 + [9] * 5 + [8, 7, 7, 8] + [6, 0, 3, 6, 5, 1]
        found = survey_series(NPS, answers(scores), frame()).period
        assert found is not None
        assert found.nps == 20  # 50 % - 30 %
        error = 1.6448536 * ((0.8 - 0.04) / 20) ** 0.5 * 100
        assert (found.nps_low, found.nps_high) == (round(20 - error, 1), round(20 + error, 1))
        assert found.positive is None

    def test_ces_is_the_mean_and_the_share_of_five_and_more(self) -> None:
        found = survey_series(CES, answers([7, 6, 5, 4, 1] * 2), frame()).period
        assert found is not None
        assert found.mean == 4.6
        assert found.positive is not None
        assert found.positive.value == 60.0

    def test_handle_time_has_median_ninetieth_percentile_and_mean(self) -> None:
        rows = [contacts(person=who, seconds=(100 + who, 400, 2000)) for who in range(5)]
        found = handle_time_series(rows, frame()).period
        assert found is not None
        times = [value for row in rows for value in row.handle_s.tolist()]
        assert (found.n, found.learners) == (15, 5)
        assert found.median_s == np.median(times)
        assert found.p90_s == round(float(np.percentile(times, 90)), 1)
        assert found.mean_s == round(float(np.mean(times)), 1)

    def test_resolution_is_counted_gross_and_net(self) -> None:
        rows = [contacts(person=who, judged=10, first=8, first_resolved=6) for who in range(5)]
        series = resolution_series(rows, frame())
        found = series.period
        assert found is not None
        assert (found.gross.value, found.gross.n) == (60.0, 50)
        assert found.net is not None
        assert (found.net.value, found.net.n) == (75.0, 40)
        assert "; 75 % of 40 first contacts." in series.sentence

    def test_net_resolution_does_not_show_the_repeats_of_a_few(self) -> None:
        rows = [contacts(person=who, judged=8, first=8, first_resolved=6) for who in range(5)]
        rows += [contacts(person=9, judged=4, first=3, first_resolved=3)]
        rows += [
            contacts(MONDAYS[1], person=who, judged=5, first=4, first_resolved=2)
            for who in range(6)
        ]
        found = resolution_series(rows, frame(unit="week"))
        assert found.points[0].numbers.net is None
        assert found.period is not None
        assert found.period.net is not None
        assert found.period.net.n == 24  # of the second week only: nothing is left to subtract
        assert found.period.gross.n == 40 + 4 + 30

    def test_transfers_are_a_share_of_contacts_that_say_so(self) -> None:
        rows = [contacts(person=who, transfers_known=4, transferred=1) for who in range(5)]
        found = transfer_series(rows, frame()).period
        assert found is not None
        assert (found.share.value, found.share.n) == (25.0, 20)


class TestLimits:
    @pytest.mark.parametrize(
        ("people", "amount", "reason"),
        [(4, 40, "too_few_people"), (5, 9, "too_few_answers")],
    )
    def test_too_little_is_hidden_with_its_reason(
        self, people: int, amount: int, reason: str
    ) -> None:
        found = survey_series(CSAT, answers([4] * amount, people=people), frame())
        assert found.period is None
        assert found.points == ()
        assert [(hidden.week, hidden.reason) for hidden in found.suppressed] == [
            (MONDAYS[0], reason)
        ]
        assert found.sentence.startswith("Nothing can be shown")

    def test_weeks_with_too_little_are_counted_together(self) -> None:
        rows = answers([4] * 6, MONDAYS[0]) + answers([5] * 6, MONDAYS[1])
        rows += answers([1] * 3, MONDAYS[2])
        found = survey_series(CSAT, rows, frame(unit="week"))
        assert [(point.start, point.end) for point in found.points] == [
            (MONDAYS[0], MONDAYS[1] + timedelta(days=6))
        ]
        assert [(hidden.week, hidden.reason) for hidden in found.suppressed] == [
            (MONDAYS[2], "too_few_answers")
        ]

    def test_a_range_counts_only_blocks_that_lie_in_it(self) -> None:
        rows = answers([4] * 6, MONDAYS[0]) + answers([5] * 6, MONDAYS[1])
        found = survey_series(CSAT, rows, frame(start=MONDAYS[1]))
        assert found.period is None
        assert [hidden.reason for hidden in found.suppressed] == ["in_wider_block"]

    def test_a_week_that_is_not_over_waits(self) -> None:
        rows = answers([4] * 20, MONDAYS[1])
        found = survey_series(CSAT, rows, frame(today=date(2026, 3, 11)))
        assert [hidden.reason for hidden in found.suppressed] == ["not_over"]

    def test_a_month_is_the_sum_of_its_weeks(self) -> None:
        rows = [row for monday in MONDAYS for row in answers([1, 5, 4] * 5, monday)]
        weeks = survey_series(CSAT, rows, frame(unit="week"))
        month = survey_series(CSAT, rows, frame(unit="month"))
        assert len(weeks.points) == 4
        assert [point.numbers.answered for point in month.points] == [60]
        assert month.period == month.points[0].numbers

    def test_the_last_day_of_a_bucket(self) -> None:
        assert last_day(date(2026, 3, 2)) == date(2026, 3, 8)
        assert last_day(date(2026, 3, 30)) == date(2026, 3, 31)

    def test_a_correlation_is_printed_short(self) -> None:
        assert [decimal(number) for number in (0.5, -0.25, 0.0, 1.0, -1.0)] == [
            ".50",
            "-.25",
            ".00",
            "1",
            "-1",
        ]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**20), more=st.sampled_from([5, 7]))
def test_no_two_answers_differ_by_a_few_people(seed: int, more: int) -> None:
    chance = random.Random(seed)
    crowds = [{chance.randrange(9) for _ in range(chance.choice([1, 2, 4, 6]))} for _ in range(9)]
    first = date(2026, 2, 23)
    weeks = [
        Week(
            bucket_of(first + timedelta(days=7 * place)),
            sum(1 << who for who in crowd),
            chance.randrange(3, 14),
        )
        for place, crowd in enumerate(crowds)
    ]
    shown = set()
    for start, end in combinations(range(len(weeks) + 1), 2):
        for min_people in (5, more):
            asked = frame(weeks[start].bucket, weeks[end - 1].bucket, "week", min_people=min_people)
            blocks = blocks_in(weeks, asked)
            inside = [block for block in blocks if start <= block[0] and block[-1] < end]
            shown.add(frozenset(index for block in inside for index in block))
    for one, other in combinations(shown, 2):
        if one < other:
            left = set().union(*(crowds[index] for index in other - one))
            assert len(left) >= 5
    assert all(sum(weeks[index].n for index in each) >= MIN_ANSWERS for each in shown if each)


def test_a_later_week_never_changes_an_earlier_block() -> None:
    chance = random.Random(7)
    for _ in range(200):
        weeks = [Week(monday, chance.getrandbits(8), chance.randrange(12)) for monday in MONDAYS]
        known: tuple[tuple[int, ...], ...] = ()
        for length in range(1, 5):
            blocks = blocks_in(weeks[:length], frame())
            assert blocks[: len(known)] == known
            known = blocks
