"""Intervals of means by drawing people anew: who takes part is what chance decides."""

import math
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from services.reporting.trends.stats.distributions import normal_sf, t_quantile
from services.reporting.trends.stats.estimate import CONFIDENCE
from services.reporting.trends.stats.panel import Floats, Integers

DRAWS: Final = 400
"""How often people are drawn; the ends of an interval move by about a tenth of its width."""
_EXACT_FLOAT32: Final = 2**24

_Float = TypeVar("_Float", np.float32, np.float64)


class MeanIntervals(NamedTuple):
    """One entry per group; NaN where nobody scored."""

    mean: Floats
    low: Floats
    high: Floats
    people: Integers
    """How many people scored."""


def mean_intervals(
    n: npt.NDArray[np.integer],
    totals: npt.NDArray[np.integer],
    *,
    seed: int,
    confidence: float = CONFIDENCE,
) -> MeanIntervals:
    """Return the mean score of each group with its interval.

    People are drawn with replacement, all scores of a person together; the percentiles are
    widened for few people as in Hesterberg (2015), so that five people are not taken for fifty.
    A group of one person has an interval of its mean alone: show none.

    Args:
        n: [C, P], how many scores of each person in each of C groups.
        totals: [C, P], their sums.
        seed: the same seed and data give the same interval, bit by bit.
        confidence: 0..1.
    """
    people = (n > 0).sum(axis=1)
    count = n.sum(axis=1)
    mean = np.where(count > 0, totals.sum(axis=1) / np.maximum(count, 1), np.nan)
    drawn = _drawn_means(n, totals, seed)
    valid = np.isfinite(drawn).sum(axis=1)
    tails = np.array([_tail(int(number), confidence) for number in people])
    low = np.floor(tails * np.maximum(valid - 1, 0)).astype(np.intp)
    high = np.maximum(valid - 1, 0) - low
    rows = np.arange(len(drawn))
    shown = count > 0
    return MeanIntervals(
        mean=mean,
        # A rare draw far to one side must not leave the mean outside.
        low=np.where(shown, np.fmin(drawn[rows, low], mean), np.nan),
        high=np.where(shown, np.fmax(drawn[rows, high], mean), np.nan),
        people=people,
    )


def _drawn_means(
    n: npt.NDArray[np.integer], totals: npt.NDArray[np.integer], seed: int
) -> npt.NDArray[np.float32] | npt.NDArray[np.float64]:
    """Return the means of all draws, sorted by row; draws without anybody are infinite, last."""
    size = n.shape[1]
    generator = np.random.Generator(np.random.PCG64(seed))
    picks = generator.integers(0, max(size, 1), size=(DRAWS, size))
    flat = (picks + np.arange(DRAWS)[:, None] * size).ravel()
    times = np.bincount(flat, minlength=DRAWS * size).reshape(DRAWS, size).T
    # Whole numbers this small are exact in single precision, at half the time.
    largest = int(totals.sum(axis=1).max(initial=0)) * int(times.max(initial=1))
    if largest < _EXACT_FLOAT32:
        return _sorted_means(n.astype(np.float32), totals.astype(np.float32), times)
    return _sorted_means(n.astype(np.float64), totals.astype(np.float64), times)


def _sorted_means(
    n: npt.NDArray[_Float], totals: npt.NDArray[_Float], times: npt.NDArray[np.int64]
) -> npt.NDArray[_Float]:
    weights = times.astype(n.dtype)
    counts, sums = n @ weights, totals @ weights
    means = np.full_like(counts, np.inf)
    np.divide(sums, counts, out=means, where=counts > 0)
    means.sort(axis=1)
    return means


@lru_cache(maxsize=1024)
def _tail(people: int, confidence: float) -> float:
    """Return the share to leave out on each side."""
    if people < 2:
        return (1 - confidence) / 2
    wide = t_quantile((1 + confidence) / 2, people - 1) * math.sqrt(people / (people - 1))
    return normal_sf(wide)
