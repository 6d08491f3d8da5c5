"""Weeks in a row, weeks and periods with enough people, goals."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reporting.trends.buckets import bucket_of, last_day, week_of
from services.reporting.trends.goals import Wanted, attempts_progress, score_progress
from services.reporting.trends.streaks import streak, weeks_of, whole_weeks_within
from services.reporting.trends.volume import Effort, Kind, by_period, by_week

MONDAY = date(2026, 9, 28)
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)


class TestStreaks:
    def test_weeks_in_a_row_up_to_this_one(self) -> None:
        days = [MONDAY, MONDAY - WEEK + 3 * DAY, MONDAY - 2 * WEEK, MONDAY - 2 * WEEK]
        found = streak(days, MONDAY + 2 * DAY)

        assert (found.current_weeks, found.longest_weeks) == (3, 3)
        assert found.is_this_week_done
        assert found.last_day == MONDAY

    def test_a_week_that_is_not_over_breaks_nothing(self) -> None:
        found = streak([MONDAY - WEEK, MONDAY - 2 * WEEK], MONDAY + 6 * DAY)

        assert (found.current_weeks, found.is_this_week_done) == (2, False)

    def test_a_missed_week_ends_it(self) -> None:
        days = [MONDAY - number * WEEK for number in (2, 3, 4, 7)]
        found = streak(days, MONDAY)

        assert (found.current_weeks, found.longest_weeks) == (0, 3)

    def test_nobody_has_practiced(self) -> None:
        found = streak([], MONDAY)

        assert (found.current_weeks, found.longest_weeks, found.last_day) == (0, 0, None)

    def test_sunday_and_monday_are_two_weeks(self) -> None:
        assert streak([MONDAY - DAY, MONDAY], MONDAY).current_weeks == 2


def test_weeks_of_days() -> None:
    assert weeks_of(MONDAY - DAY, MONDAY) == (MONDAY - WEEK, MONDAY)
    assert whole_weeks_within(MONDAY - DAY, MONDAY + 6 * DAY) == (MONDAY,)
    assert whole_weeks_within(MONDAY + DAY, MONDAY + 12 * DAY) == ()


def effort(person: int, day: date, attempts: int = 1, kind: Kind = "practice") -> Effort:
    return Effort(
        person_id=UUID(int=person),
        kind=kind,
        day=day,
        attempts=attempts,
        minutes=10.0 * attempts,
        timed=attempts,
    )


def test_every_week_of_a_learner_is_there() -> None:
    weeks = by_week(
        [effort(1, MONDAY), effort(1, MONDAY + DAY, 2), effort(1, MONDAY, kind="real")],
        weeks_of(MONDAY - WEEK, MONDAY),
    )

    assert [(week.week, week.practice.attempts, week.real.attempts) for week in weeks] == [
        (MONDAY - WEEK, 0, 0),
        (MONDAY, 3, 1),
    ]
    assert weeks[1].practice.minutes == 30


@pytest.mark.parametrize(
    ("bucket", "last"),
    [
        (date(2026, 9, 28), date(2026, 9, 30)),
        (date(2026, 10, 1), date(2026, 10, 4)),
        (date(2026, 12, 28), date(2026, 12, 31)),
        (date(2026, 10, 5), date(2026, 10, 11)),
    ],
)
def test_the_last_day_of_a_cut_week(bucket: date, last: date) -> None:
    assert last_day(bucket) == last
    assert bucket_of(last) == bucket
    assert bucket_of(last + DAY) != bucket


class TestPeriods:
    FIRST = date(2026, 8, 3)

    def test_a_week_alone_when_enough_people_were_active(self) -> None:
        efforts = [effort(person, self.FIRST) for person in range(5)]
        (period,), gaps = by_period(efforts, min_people=5, open_from=MONDAY)

        assert (period.first, period.last) == (self.FIRST, date(2026, 8, 9))
        assert (period.people, period.volume.attempts, period.volume.minutes) == (5, 5, 50)
        assert gaps == ()

    def test_small_weeks_of_a_month_are_told_together(self) -> None:
        efforts = [effort(person, self.FIRST) for person in range(3)]
        efforts += [effort(person, self.FIRST + WEEK) for person in range(2, 6)]
        (period,), gaps = by_period(efforts, min_people=5, open_from=MONDAY)

        assert (period.first, period.last) == (self.FIRST, date(2026, 8, 16))
        assert (period.people, period.volume.attempts) == (6, 7)
        assert gaps == ()

    def test_practice_and_real_calls_stand_apart(self) -> None:
        efforts = [effort(person, self.FIRST) for person in range(8)]
        efforts += [effort(person, self.FIRST, kind="real") for person in range(4)]
        (period,), (gap,) = by_period(efforts, min_people=5, open_from=MONDAY)

        assert (period.kind, period.people) == ("practice", 8)
        assert (gap.kind, gap.first) == ("real", self.FIRST)

    def test_minutes_of_a_few_people_are_not_told(self) -> None:
        efforts = [effort(person, self.FIRST) for person in range(4)]
        efforts += [
            Effort(
                person_id=UUID(int=person),
                kind="practice",
                day=self.FIRST,
                attempts=2,
                minutes=0.0,
                timed=0,
            )
            for person in range(4, 8)
        ]
        (period,), _ = by_period(efforts, min_people=5, open_from=MONDAY)

        assert (period.people, period.volume.attempts) == (8, 12)
        assert (period.volume.minutes, period.volume.timed) == (0.0, 0)

    def test_the_week_that_is_not_over_is_not_told(self) -> None:
        efforts = [effort(person, MONDAY) for person in range(9)]

        assert by_period(efforts, min_people=5, open_from=MONDAY) == ((), ())

    @given(
        st.lists(
            st.tuples(st.integers(0, 9), st.integers(0, 8), st.sampled_from(["practice", "real"])),
            max_size=60,
        )
    )
    def test_no_two_ranges_differ_by_a_few_people(self, done: list[tuple[int, int, Kind]]) -> None:
        efforts = [effort(person, self.FIRST + week * WEEK, 1, kind) for person, week, kind in done]
        periods, gaps = by_period(efforts, min_people=5, open_from=MONDAY)

        assert all(period.people >= 5 for period in periods)
        shown = [(each.kind, each.first, each.last) for each in (*periods, *gaps)]
        for one in shown:  # disjoint: a difference of sums of periods is a sum of periods
            assert not [
                other
                for other in shown
                if other != one and other[0] == one[0] and other[1] <= one[2] and one[1] <= other[2]
            ]


class TestScoreGoals:
    GOAL = Wanted(target=75, starts_on=MONDAY, due_on=MONDAY + 4 * WEEK)

    def test_met_on_the_day_on_which_the_proficiency_is_high_enough(self) -> None:
        scores = [(MONDAY - DAY, 60), (MONDAY - DAY, 60), (MONDAY + DAY, 80), (MONDAY + WEEK, 100),
                  (MONDAY + WEEK, 100), (MONDAY + 2 * WEEK, 0)]  # fmt: skip
        found = score_progress(self.GOAL, scores, MONDAY + 3 * WEEK)

        assert (found.state, found.on, found.done) == ("met", MONDAY + WEEK, 1)
        assert found.value is not None
        assert found.value < 75  # met once is met

    def test_earlier_scores_alone_do_not_meet_it(self) -> None:
        scores = [(MONDAY - WEEK, 100)] * 5

        found = score_progress(self.GOAL, scores, MONDAY)
        assert (found.state, found.value) == ("on_the_way", 100.0)

    def test_after_the_due_day_it_is_missed(self) -> None:
        late = [(MONDAY + 5 * WEEK, 100)] * 9
        found = score_progress(self.GOAL, [(MONDAY, 70)] * 3 + late, MONDAY + 6 * WEEK)

        assert (found.state, found.value) == ("missed", 70.0)

    def test_two_scores_are_too_few(self) -> None:
        found = score_progress(self.GOAL, [(MONDAY, 90)] * 2, MONDAY + DAY)

        assert (found.state, found.value) == ("too_little_data", None)

    @given(st.lists(st.tuples(st.integers(-400, 60), st.integers(0, 100)), max_size=40))
    def test_the_value_is_the_formula(self, scores: list[tuple[int, int]]) -> None:
        dated = [(MONDAY + days * DAY, score) for days, score in scores]
        found = score_progress(self.GOAL, dated, MONDAY + WEEK)

        counted = [(0.5 ** ((7 - days) / 30), score) for days, score in scores if -358 <= days <= 7]
        if len(counted) < 3:
            assert found.value is None
        else:
            formula = sum(g * score for g, score in counted) / sum(g for g, _ in counted)
            assert found.value == pytest.approx(formula, abs=0.051)


class TestAttemptsGoals:
    GOAL = Wanted(target=2, starts_on=MONDAY - DAY, due_on=MONDAY + 2 * WEEK)

    def test_met_when_every_whole_week_has_enough(self) -> None:
        days = [MONDAY, MONDAY, MONDAY + WEEK, MONDAY + WEEK + 3 * DAY, MONDAY + WEEK + 4 * DAY]
        found = attempts_progress(self.GOAL, days, MONDAY + WEEK + 5 * DAY)

        assert (found.state, found.done, found.needed) == ("met", 2, 2)
        assert found.on == MONDAY + WEEK + 3 * DAY
        assert found.value == 3

    def test_on_the_way_while_this_week_lacks_some(self) -> None:
        found = attempts_progress(self.GOAL, [MONDAY, MONDAY, MONDAY + WEEK], MONDAY + WEEK)

        assert (found.state, found.done, found.value) == ("on_the_way", 1, 1)

    def test_missed_as_soon_as_a_week_ended_short(self) -> None:
        found = attempts_progress(self.GOAL, [MONDAY], MONDAY + WEEK)

        assert (found.state, found.done) == ("missed", 0)

    def test_the_days_before_the_first_monday_do_not_count(self) -> None:
        found = attempts_progress(self.GOAL, [MONDAY - DAY] * 2, MONDAY)

        assert (found.state, found.done, found.needed) == ("on_the_way", 0, 2)
        assert week_of(MONDAY) == MONDAY
