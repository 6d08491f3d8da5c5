"""Days into buckets: ISO weeks cut at month ends, so weeks and months both are sums of buckets."""

import calendar
from datetime import date, timedelta
from functools import lru_cache

_WEEK = timedelta(days=7)
_LAST_OF_WEEK = timedelta(days=6)


def week_of(day: date) -> date:
    """Return the Monday of the day's ISO week."""
    return day - timedelta(days=day.weekday())


def bucket_of(day: date) -> date:
    """Return the first day of the day's bucket: its Monday or its first of the month, the later."""
    return max(week_of(day), day.replace(day=1))


@lru_cache(maxsize=4096)  # every point of a trend asks, and the buckets are few
def last_day(bucket: date) -> date:
    """Return the last day of the bucket that starts on a day: its Sunday or its month's end."""
    month_end = bucket.replace(day=calendar.monthrange(bucket.year, bucket.month)[1])
    return min(week_of(bucket) + _LAST_OF_WEEK, month_end)


def whole_weeks(start: date, end: date) -> tuple[date, date]:
    """Return the Monday and the Sunday of the smallest run of ISO weeks that covers both days.

    Every bucket of those weeks starts between the two, and no other bucket does.

    Raises:
        OverflowError: the last week ends after the year 9999.
    """
    return week_of(start), week_of(end) + _LAST_OF_WEEK


def weeks_between(start: date, end: date) -> int:
    """Return how many ISO weeks the days from `start` to `end`, not earlier than it, touch."""
    return (week_of(end) - week_of(start)) // _WEEK + 1
