"""What a program changed: against a comparison group, against oneself, or against a trend line."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from services.reporting.trends.stats.distributions import t_quantile, t_two_sided
from services.reporting.trends.stats.estimate import CONFIDENCE, Effect

MIN_BASELINE = 6
"""Points before a program that a trend line needs; fewer draw any line."""


class Change(NamedTuple):
    """One person's means before and after."""

    before: float
    after: float


class Dated(NamedTuple):
    """One point of a line."""

    at: float
    """In weeks, from any origin."""
    value: float


def difference_in_differences(
    treated: Sequence[Change], comparison: Sequence[Change], *, confidence: float = CONFIDENCE
) -> Effect | None:
    """Return the change of the treated less that of the others.

    Each person counts as one change, so the interval is clustered by person; the two groups may
    vary differently (Welch). None with fewer than two people in a group.
    """
    one, other = _changes(treated), _changes(comparison)
    if min(len(one), len(other)) < 2:
        return None
    variances = one.var(ddof=1) / len(one), other.var(ddof=1) / len(other)
    total = float(sum(variances))
    scale = variances[0] ** 2 / (len(one) - 1) + variances[1] ** 2 / (len(other) - 1)
    return _effect(
        value=float(one.mean() - other.mean()),
        error=math.sqrt(total),
        df=total * total / float(scale) if scale > 0 else len(one) + len(other) - 2,
        n=len(one) + len(other),
        confidence=confidence,
    )


def change_of_people(changes: Sequence[Change], *, confidence: float = CONFIDENCE) -> Effect | None:
    """Return the mean change of people against themselves; None with fewer than two of them.

    Nothing here separates a program from whatever else happened in that time.
    """
    values = _changes(changes)
    if len(values) < 2:
        return None
    return _effect(
        value=float(values.mean()),
        error=float(values.std(ddof=1)) / math.sqrt(len(values)),
        df=len(values) - 1,
        n=len(values),
        confidence=confidence,
    )


def trend_line_gap(
    before: Sequence[Dated], after: Sequence[Dated], *, confidence: float = CONFIDENCE
) -> Effect | None:
    """Return the mean distance of the later points from the line through the earlier ones.

    The interval holds both the line's own uncertainty and the scatter of the later points; it
    takes the points as independent around the line. None with fewer than `MIN_BASELINE` points
    before, none after, or all earlier points at one time.
    """
    if len(before) < MIN_BASELINE or not after:
        return None
    x, y = _columns(before)
    late_x, late_y = _columns(after)
    spread = float(((x - x.mean()) ** 2).sum())
    if spread == 0:
        return None
    slope = float(((x - x.mean()) * (y - y.mean())).sum()) / spread
    residuals = y - y.mean() - slope * (x - x.mean())
    df = len(x) - 2
    variance = float((residuals**2).sum()) / df
    distance = float(late_x.mean() - x.mean())
    return _effect(
        value=float(late_y.mean() - y.mean()) - slope * distance,
        error=math.sqrt(variance * (1 / len(late_x) + 1 / len(x) + distance**2 / spread)),
        df=df,
        n=len(before) + len(after),
        confidence=confidence,
    )


def _effect(*, value: float, error: float, df: float, n: int, confidence: float) -> Effect:
    if error == 0:
        p = float(value == 0)
        return Effect(value=value, low=value, high=value, p=p, n=n, is_proven=value != 0)
    half = t_quantile((1 + confidence) / 2, df) * error
    low, high = value - half, value + half
    return Effect(
        value=value,
        low=low,
        high=high,
        p=t_two_sided(value / error, df),
        n=n,
        is_proven=not low <= 0 <= high,
    )


def _changes(changes: Sequence[Change]) -> npt.NDArray[np.float64]:
    return np.array([change.after - change.before for change in changes], dtype=np.float64)


def _columns(points: Sequence[Dated]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    table = np.array(points, dtype=np.float64)
    return table[:, 0], table[:, 1]
