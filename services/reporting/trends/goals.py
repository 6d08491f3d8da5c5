"""How far a personal goal is: a proficiency to reach, or so many attempts in every week."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import accumulate
from typing import Literal

from services.reporting.trends.buckets import week_of
from services.reporting.trends.proficiency import HALF_LIFE_DAYS, MIN_SCORES, WINDOW_DAYS
from services.reporting.trends.streaks import whole_weeks_within
from shared.contracts.base import Record

GoalState = Literal["met", "on_the_way", "missed", "too_little_data"]


class Wanted(Record, frozen=True, kw_only=True):
    """What is to be reached, and when."""

    target: int
    """A proficiency, 0..100, or attempts a week."""
    starts_on: date
    due_on: date
    """Last day that counts."""


class Progress(Record, frozen=True, kw_only=True):
    """Where a goal stands on a day."""

    state: GoalState
    value: float | None
    """The proficiency (one decimal), or attempts in this week; None while nothing is known."""
    done: int
    """Weeks that reached the target; of a proficiency 1 when it was reached."""
    needed: int
    """Weeks in the whole period; of a proficiency 1."""
    on: date | None
    """The day on which it was met."""


def score_progress(goal: Wanted, scores: Sequence[tuple[date, int]], today: date) -> Progress:
    """Return where a proficiency goal stands; `scores` are the skill's, of any order and age.

    It is met on the first day of the period with a score after which the proficiency is high
    enough, and stays so. Older scores count towards it, as they do everywhere.
    """
    history, end = _History(scores), min(today, goal.due_on)
    met = next(
        (
            day
            for day in history.days_between(goal.starts_on, end)
            if (history.proficiency_on(day) or -1) >= goal.target
        ),
        None,
    )
    value = history.proficiency_on(end)
    if met is not None:
        state: GoalState = "met"
    elif today > goal.due_on:
        state = "missed"
    else:
        state = "too_little_data" if value is None else "on_the_way"
    return Progress(state=state, value=value, done=int(met is not None), needed=1, on=met)


def attempts_progress(goal: Wanted, days: Sequence[date], today: date) -> Progress:
    """Return where a goal of attempts stands; `days` has one entry per attempt.

    Missed as soon as a week of the period ended short; met when its last week reached the target.
    """
    counts = Counter(week_of(day) for day in days)
    weeks = whole_weeks_within(goal.starts_on, goal.due_on)
    this_week = week_of(today)
    done = [week for week in weeks if counts[week] >= goal.target]
    short = [week for week in weeks if week < this_week and counts[week] < goal.target]
    is_met = len(done) == len(weeks)
    return Progress(
        state="met" if is_met else "missed" if short else "on_the_way",
        value=float(counts[this_week]) if this_week in weeks else None,
        done=len(done),
        needed=len(weeks),
        on=_reached_on(days, weeks[-1], goal.target) if is_met else None,
    )


class _History:
    """One skill's scores by day; the proficiency on any day takes two look-ups.

    Weights relative to the first day are good for every day: their ratio is all that counts.
    """

    def __init__(self, scores: Sequence[tuple[date, int]]) -> None:
        ordered = sorted(scores)
        self._days = [day for day, _ in ordered]
        weights = [2 ** ((day - self._days[0]).days / HALF_LIFE_DAYS) for day in self._days]
        self._weights = [0.0, *accumulate(weights)]
        scored = (weight * score for weight, (_, score) in zip(weights, ordered, strict=True))
        self._totals = [0.0, *accumulate(scored)]

    def days_between(self, first: date, last: date) -> list[date]:
        """Return the distinct days with a score from `first` to `last`."""
        return sorted({day for day in self._days if first <= day <= last})

    def proficiency_on(self, day: date) -> float | None:
        """Return the proficiency on a day (one decimal); None with too few scores."""
        start = bisect_left(self._days, day - timedelta(days=WINDOW_DAYS - 1))
        end = bisect_right(self._days, day)
        if end - start < MIN_SCORES:
            return None
        total = self._totals[end] - self._totals[start]
        return round(total / (self._weights[end] - self._weights[start]), 1)


def _reached_on(days: Sequence[date], week: date, target: int) -> date:
    """Return the day on which a week had enough attempts."""
    return sorted(day for day in days if week_of(day) == week)[target - 1]
