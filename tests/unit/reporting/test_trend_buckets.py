"""Weeks and months are both sums of buckets, and a range is widened to whole weeks."""

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reporting.trends.buckets import bucket_of, week_of, weeks_between, whole_weeks

days = st.dates(min_value=date(1990, 1, 1), max_value=date(2090, 12, 31))


@pytest.mark.parametrize(
    ("day", "bucket"),
    [
        (date(2026, 9, 30), date(2026, 9, 28)),  # Wednesday: the week began on Monday
        (date(2026, 10, 1), date(2026, 10, 1)),  # Thursday of the same week, another month
        (date(2026, 10, 4), date(2026, 10, 1)),
        (date(2026, 10, 5), date(2026, 10, 5)),
        (date(2027, 1, 1), date(2027, 1, 1)),  # Friday of ISO week 53 of 2026
        (date(2026, 6, 1), date(2026, 6, 1)),  # a Monday that is a first
    ],
)
def test_known_days(day: date, bucket: date):
    assert bucket_of(day) == bucket


@given(day=days)
def test_a_bucket_lies_in_one_week_and_in_one_month(day: date):
    bucket = bucket_of(day)
    assert bucket <= day
    assert week_of(bucket) == week_of(day)
    assert (bucket.year, bucket.month) == (day.year, day.month)
    assert bucket_of(bucket) == bucket
    assert week_of(day).isocalendar()[:2] == day.isocalendar()[:2]
    assert week_of(day).weekday() == 0


@given(sample=st.lists(days, max_size=60))
def test_weeks_and_months_are_sums_of_buckets(sample: list[date]):
    buckets = Counter(bucket_of(day) for day in sample)
    weeks: Counter[date] = Counter()
    months: Counter[date] = Counter()
    for bucket, amount in buckets.items():
        weeks[week_of(bucket)] += amount
        months[bucket.replace(day=1)] += amount
    assert weeks == Counter(week_of(day) for day in sample)
    assert months == Counter(day.replace(day=1) for day in sample)


@given(start=days, length=st.integers(0, 400), other=days)
def test_the_widened_range_holds_exactly_the_buckets_of_its_weeks(
    start: date, length: int, other: date
):
    end = start + timedelta(days=length)
    first, last = whole_weeks(start, end)
    assert first <= start <= end <= last
    in_weeks = week_of(start) <= week_of(other) <= week_of(end)
    assert (first <= bucket_of(other) <= last) is in_weeks
    assert (last - first).days + 1 == 7 * weeks_between(start, end)


def test_the_end_of_the_calendar_is_refused():
    with pytest.raises(OverflowError):
        whole_weeks(date(9999, 12, 1), date.max)
