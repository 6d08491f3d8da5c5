"""Weeks in a row with practice, and what was practiced in each; days are the tenant's own."""

from collections.abc import Iterable
from datetime import date, timedelta

from services.reporting.trends.buckets import week_of
from shared.contracts.base import Record

_DAY, _WEEK = timedelta(days=1), timedelta(weeks=1)


class Streak(Record, frozen=True, kw_only=True):
    """How steadily somebody practices."""

    current_weeks: int
    """ISO weeks in a row up to this one; up to the last one while this week has none yet."""
    longest_weeks: int
    is_this_week_done: bool
    last_day: date | None
    """Of the latest practice."""


def streak(days: Iterable[date], today: date) -> Streak:
    """Return the streaks of the days with practice; days after today count like the others."""
    distinct = set(days)
    weeks = sorted({week_of(day) for day in distinct})
    longest = run = 0
    last: date | None = None
    for week in weeks:
        run = run + 1 if last is not None and week - last == _WEEK else 1
        longest, last = max(longest, run), week
    this_week = week_of(today)
    is_alive = last is not None and last >= this_week - _WEEK
    return Streak(
        current_weeks=run if is_alive else 0,
        longest_weeks=longest,
        is_this_week_done=this_week in weeks,
        last_day=max(distinct, default=None),
    )


def weeks_of(first: date, last: date) -> tuple[date, ...]:
    """Return the Mondays of the ISO weeks that the days from `first` to `last` touch."""
    start = week_of(first)
    amount = (week_of(last) - start) // _WEEK + 1
    return tuple(start + number * _WEEK for number in range(amount))


def whole_weeks_within(first: date, last: date) -> tuple[date, ...]:
    """Return the Mondays of the ISO weeks of which all seven days are from `first` to `last`."""
    return tuple(
        week for week in weeks_of(first, last) if week >= first and week + _WEEK <= last + _DAY
    )
