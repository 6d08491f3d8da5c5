"""Ranges of questions: whole weeks, or whole months, and not too many of them."""

from datetime import date
from typing import Literal, NamedTuple

from services.reporting.desk import QuestionError
from services.reporting.trends.buckets import weeks_between, whole_weeks
from services.reporting.views.rollups import whole_months
from shared.contracts.reports.trend import MAX_TREND_WEEKS


class Range(NamedTuple):
    """First and last day, inclusive."""

    first: date
    last: date


def checked_range(start: date, end: date, unit: Literal["week", "month"] = "week") -> Range:
    """Return the days of the range's whole weeks or months.

    Raises:
        QuestionError: it ends before it starts, is too long or leaves the calendar.
    """
    if end < start:
        raise QuestionError("the range ends before it starts", "to")
    try:
        weeks = whole_weeks(start, end)
    except OverflowError:
        raise QuestionError("the range leaves the calendar", "to") from None
    if weeks_between(start, end) > MAX_TREND_WEEKS:
        raise QuestionError(f"the range is longer than {MAX_TREND_WEEKS} weeks", "from")
    return Range(*(weeks if unit == "week" else whole_months(start, end)))
