"""A team's trends: per skill a slope with its interval, a corrected p, a verdict and a sentence."""

import math
from typing import NamedTuple

import numpy as np

from services.reporting.trends.stats.bootstrap import MeanIntervals, mean_intervals
from services.reporting.trends.stats.centered import centered_line
from services.reporting.trends.stats.distributions import t_quantile
from services.reporting.trends.stats.estimate import CONFIDENCE
from services.reporting.trends.stats.kendall import MonotoneTrend, monotone_trend
from services.reporting.trends.stats.multiple import benjamini_hochberg
from services.reporting.trends.stats.panel import Cells, Floats
from services.reporting.trends.stats.slopes import PeopleSlope, own_slopes, people_slope
from services.reporting.trends.stats.verdicts import (
    MIN_WEEKS,
    CellStatistics,
    Reason,
    trend_sentence,
    verdict_of,
)

_MIN_PEOPLE = 5


class _Trends(NamedTuple):
    """Everything about the trends of S cells; [S] each, NaN where it cannot be said."""

    slope: Floats
    low: Floats
    high: Floats
    p: Floats
    p_adjusted: Floats
    p_people: Floats
    p_people_adjusted: Floats
    reasons: tuple[Reason | None, ...]


def team_statistics(
    cells: Cells, *, seed: int, min_people: int = _MIN_PEOPLE
) -> tuple[CellStatistics, ...]:
    """Return the trend of every cell, in the given order.

    A trend must hold over weeks and over people: by Mann and Kendall's test over the weeks
    (against shocks that everybody shares) and by a t test over people's own slopes (against
    people who drift for reasons of their own). Each test is corrected by Benjamini and Hochberg
    over the cells given, so give the cells shown; the interval covers both intervals.

    Args:
        cells: only facts that may be shown (`limits`).
        seed: of the intervals of means.
        min_people: how many people, each active in three weeks, a trend needs.
    """
    trends = _trends(cells, min_people)
    means = mean_intervals(cells.n.sum(axis=1), cells.totals.sum(axis=1), seed=seed)
    return tuple(_cell(index, cells, trends, means) for index in range(len(cells.names)))


def _trends(cells: Cells, min_people: int) -> _Trends:
    line = centered_line(cells)
    weeks = monotone_trend(cells.times, line.values, line.present, cells.segments)
    people = people_slope(own_slopes(cells))
    reasons: tuple[Reason | None, ...] = tuple(
        "too_few_people"
        if people.people[index] < min_people
        else "too_few_weeks"
        if weeks.points[index] < MIN_WEEKS
        else None
        for index in range(len(cells.names))
    )
    tested = np.array([reason is None for reason in reasons], dtype=np.bool_)
    p, p_people = (np.where(tested, each.p, np.nan) for each in (weeks, people))
    low, high = _interval(weeks, people)
    return _Trends(
        slope=np.where(tested, weeks.slope, np.nan),
        low=np.where(tested, low, np.nan),
        high=np.where(tested, high, np.nan),
        p=p,
        p_adjusted=benjamini_hochberg(p),
        p_people=p_people,
        p_people_adjusted=benjamini_hochberg(p_people),
        reasons=reasons,
    )


def _interval(weeks: MonotoneTrend, people: PeopleSlope) -> tuple[Floats, Floats]:
    """Return the slopes that neither the weeks nor the people speak against."""
    half = np.array(
        [
            t_quantile((1 + CONFIDENCE) / 2, float(count - 1)) * error if count >= 2 else math.nan
            for count, error in zip(people.people, people.error, strict=True)
        ]
    )
    return np.fmin(weeks.low, weeks.slope - half), np.fmax(weeks.high, weeks.slope + half)


def _cell(index: int, cells: Cells, trends: _Trends, means: MeanIntervals) -> CellStatistics:
    active = (cells.n[index] > 0).any(axis=1)
    reason = trends.reasons[index]
    low, high = _or_none(trends.low[index]), _or_none(trends.high[index])
    p_adjusted = _or_none(trends.p_adjusted[index])
    p_people_adjusted = _or_none(trends.p_people_adjusted[index])
    verdict = (
        "too_little_data"
        if p_adjusted is None or p_people_adjusted is None or low is None or high is None
        else verdict_of(p_adjusted, p_people_adjusted, low, high)
    )
    learners, assessments = int(means.people[index]), int(cells.n[index].sum())
    weeks = int(active.sum())
    segments = len(set(cells.segments[index][active].tolist()))
    return CellStatistics(
        skill=cells.names[index],
        learners=learners,
        assessments=assessments,
        weeks=weeks,
        mean=_or_none(means.mean[index]),
        mean_low=_or_none(means.low[index]),
        mean_high=_or_none(means.high[index]),
        slope=_or_none(trends.slope[index]),
        slope_low=low,
        slope_high=high,
        p=_or_none(trends.p[index]),
        p_adjusted=p_adjusted,
        p_people=_or_none(trends.p_people[index]),
        p_people_adjusted=p_people_adjusted,
        verdict=verdict,
        reason=reason,
        segments=segments,
        sentence=trend_sentence(
            verdict,
            reason=reason,
            slope=_or_none(trends.slope[index]),
            low=low,
            high=high,
            learners=learners,
            assessments=assessments,
            weeks=weeks,
            segments=segments,
        ),
    )


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
