"""Mann and Kendall's test and Theil and Sen's slope, for many lines at once, within segments."""

import math
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from services.reporting.trends.stats.distributions import normal_quantile, normal_sf
from services.reporting.trends.stats.estimate import CONFIDENCE
from services.reporting.trends.stats.panel import Booleans, Floats, Integers

_TIE_TERM: Final = 5

EXACT_POINTS: Final = 33
"""Up to so many points of a line without ties, its p is exact: the normal approximation is far too
careful in the tail that a correction for many lines looks at.
"""


class MonotoneTrend(NamedTuple):
    """[S] each; NaN where no two points can be compared."""

    score: Floats
    """Kendall's S: pairs that rise less pairs that fall."""
    variance: Floats
    """Of S without a trend, corrected for ties."""
    p: Floats
    """Two-sided; exact for short lines without ties, else the normal approximation with the
    continuity correction.
    """
    slope: Floats
    """Theil and Sen's: the median slope of all pairs."""
    low: Floats
    high: Floats
    """Sen's interval of the slope."""
    points: Integers
    """How many points are in segments that hold at least two."""


def monotone_trend(
    times: Floats,
    values: Floats,
    present: Booleans,
    segments: Integers | None = None,
    *,
    confidence: float = CONFIDENCE,
) -> MonotoneTrend:
    """Test S lines of W points; pairs are compared only inside their segment.

    Args:
        times: [W], ascending.
        values: [S, W]; read only where present.
        present: [S, W].
        segments: [S, W] numbers; one segment when left out. The S of segments add up, and so do
            their variances (as seasons do in Hirsch's seasonal test).
        confidence: of the interval.
    """
    if segments is None:
        segments = np.zeros(values.shape, dtype=np.int64)
    first, second = np.triu_indices(values.shape[1], 1)
    usable = present[:, first] & present[:, second] & (segments[:, first] == segments[:, second])
    rise = np.where(usable, values[:, second] - values[:, first], 0.0)
    signs = np.sign(rise)
    score = signs.sum(axis=1)
    tied = usable & (signs == 0)
    sizes = _sizes(present, segments)
    variance = _variance(sizes, tied, first, second)
    slopes = np.where(usable, rise / (times[second] - times[first]), np.inf)
    slopes.sort(axis=1)
    pairs = usable.sum(axis=1)
    half = normal_quantile((1 + confidence) / 2) * np.sqrt(variance)
    points = np.where(sizes >= 2, sizes, 0).sum(axis=1)
    return MonotoneTrend(
        score=score,
        variance=variance,
        p=np.array(
            [
                _exact_p(int(score[line]), tuple(sizes[line][sizes[line] >= 2].tolist()))
                if 2 <= points[line] <= EXACT_POINTS and not tied[line].any()
                else _p_value(score[line], variance[line], points[line])
                for line in range(len(values))
            ]
        ),
        slope=(_at(slopes, pairs, (pairs - 1) // 2) + _at(slopes, pairs, pairs // 2)) / 2,
        low=_at(slopes, pairs, np.round((pairs - half) / 2) - 1),
        high=_at(slopes, pairs, np.round((pairs + half) / 2)),
        points=points,
    )


def _sizes(present: Booleans, segments: Integers) -> Integers:
    """Return how many points each segment of each line has."""
    numbers = range(int(segments.max(initial=0)) + 1)
    return np.stack([(present & (segments == number)).sum(axis=1) for number in numbers], axis=1)


def _variance(sizes: Integers, tied: Booleans, first: Integers, second: Integers) -> Floats:
    """Return the variance of S."""
    variance: Floats = (sizes * (sizes - 1) * (2 * sizes + _TIE_TERM)).sum(axis=1) / 18
    # A point tied with e - 1 others is in a group of e: the sum over groups of t(t-1)(2t+5) is
    # the sum over points of (e-1)(2e+5).
    equal = np.ones((len(sizes), int(second.max(initial=0)) + 1))
    rows, pairs = np.nonzero(tied)
    np.add.at(equal, (rows, first[pairs]), 1)
    np.add.at(equal, (rows, second[pairs]), 1)
    variance -= ((equal - 1) * (2 * equal + _TIE_TERM)).sum(axis=1) / 18
    return np.maximum(variance, 0)


def _at(ordered: Floats, counts: Integers, index: Floats | Integers) -> Floats:
    """Return the value of each row at an index, held inside the row's count; NaN when it is 0."""
    held = np.clip(index, 0, np.maximum(counts - 1, 0)).astype(np.intp)
    if not ordered.shape[1]:
        return np.full(len(ordered), np.nan)
    found = np.take_along_axis(ordered, held[:, None], axis=1)[:, 0]
    return np.where(counts > 0, found, np.nan)


@lru_cache(maxsize=256)
def _tails(sizes: tuple[int, ...]) -> Floats:
    """Return, by the number of falling pairs, the chance of at most so many in any order."""
    chance = np.ones(1)
    for points in range(2, max(sizes, default=0) + 1):
        # The next point of a segment falls below 0, 1, .. of those before it, each as likely.
        for _ in range(sum(size >= points for size in sizes)):
            chance = np.convolve(chance, np.full(points, 1 / points))
    return np.cumsum(chance)


def _exact_p(score: int, sizes: tuple[int, ...]) -> float:
    pairs = sum(size * (size - 1) // 2 for size in sizes)
    return min(1.0, 2 * float(_tails(sizes)[(pairs - abs(score)) // 2]))


def _p_value(score: float, variance: float, points: int) -> float:
    if points < 2:
        return math.nan
    if variance <= 0:
        # All values are equal: no sign of a trend.
        return 1.0
    return min(1.0, 2 * normal_sf(max(abs(score) - 1, 0) / math.sqrt(variance)))
