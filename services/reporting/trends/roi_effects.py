"""The change of people between two spans, and what a comparison leaves of it, with intervals.

People are the independent units: each counts once, with the mean of what they did. With everybody
there before and after, these are the paired t interval and the two-sample one of Welch on people's
own changes; where some were there on one side only, it is the same by linearization.
"""

import math
from typing import Final, NamedTuple

import numpy as np

from services.reporting.trends.roi_sides import Floats, Sample
from services.reporting.trends.stats.distributions import t_quantile, t_two_sided

CONFIDENCE: Final = 0.90


class Change(NamedTuple):
    """How one cohort moved."""

    value: float
    variance: float
    """Of `value`."""
    freedom: float
    people: int
    before: float
    after: float


class Estimate(NamedTuple):
    """An effect with its 90 % interval."""

    value: float
    low: float
    high: float
    p: float
    """Two-sided, of no effect."""


def change_of(sample: Sample) -> Change:
    """Return how people moved; at least two of them."""
    sides = (sample.before, sample.after)
    before, after = (float(np.nanmean(side)) for side in sides)
    # What each person adds to the difference of the two means: of a pair, their own change.
    pull = _pull(sample.after, after) - _pull(sample.before, before)
    people = len(pull)
    variance = float((pull**2).sum()) * people / (people - 1)
    return Change(after - before, variance, people - 1, people, before, after)


def estimate(treated: Change, comparison: Change | None = None) -> Estimate:
    """Return the change of the treated, less that of the comparison where there is one."""
    if comparison is None:
        return _interval(treated.value, treated.variance, treated.freedom)
    return _interval(
        treated.value - comparison.value,
        treated.variance + comparison.variance,
        _welch(treated, comparison),
    )


def _pull(values: Floats, mean: float) -> Floats:
    there = ~np.isnan(values)
    return np.where(there, (values - mean) / there.sum(), 0.0)


def _welch(one: Change, other: Change) -> float:
    whole = one.variance + other.variance
    if whole == 0:
        return one.freedom + other.freedom
    return whole**2 / (one.variance**2 / one.freedom + other.variance**2 / other.freedom)


def _interval(value: float, variance: float, freedom: float) -> Estimate:
    error = math.sqrt(variance)
    if error == 0:
        return Estimate(value, value, value, 1.0 if value == 0 else 0.0)
    reach = t_quantile((1 + CONFIDENCE) / 2, freedom) * error
    return Estimate(value, value - reach, value + reach, t_two_sided(value / error, freedom))
