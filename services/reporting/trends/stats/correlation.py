"""How two things about people go together; never why."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from services.reporting.trends.stats.distributions import normal_quantile, t_two_sided
from services.reporting.trends.stats.estimate import CONFIDENCE
from shared.contracts.base import Record

MIN_PAIRS = 5
"""Below this many people no correlation is computed: its interval would say nothing."""


class Correlation(Record, frozen=True, kw_only=True):
    """Spearman's rank correlation over people."""

    n: int
    """How many people."""
    rho: float
    """-1..1."""
    low: float
    high: float
    p: float
    """Two-sided, of no correlation; by the t approximation."""


def spearman(
    x: Sequence[float], y: Sequence[float], *, confidence: float = CONFIDENCE
) -> Correlation | None:
    """Return the rank correlation of one pair per person, ties at their mean rank.

    The interval is Fisher's with the standard error of Bonett and Wright (2000),
    sqrt((1 + rho^2 / 2) / (n - 3)). None below `MIN_PAIRS`, or when all x or all y are equal.

    Raises:
        ValueError: x and y differ in length.
    """
    if len(x) != len(y):
        raise ValueError("every person has an x and a y")
    n = len(x)
    if n < MIN_PAIRS or len(set(x)) == 1 or len(set(y)) == 1:
        return None
    rho = float(np.clip(np.corrcoef(ranks_of(x), ranks_of(y))[0, 1], -1.0, 1.0))
    if abs(rho) > 1 - 1e-12:
        return Correlation(n=n, rho=rho, low=rho, high=rho, p=0.0)
    z = math.atanh(rho)
    half = normal_quantile((1 + confidence) / 2) * math.sqrt((1 + rho * rho / 2) / (n - 3))
    t = rho * math.sqrt((n - 2) / (1 - rho * rho))
    return Correlation(
        n=n, rho=rho, low=math.tanh(z - half), high=math.tanh(z + half), p=t_two_sided(t, n - 2)
    )


def ranks_of(values: Sequence[float]) -> npt.NDArray[np.float64]:
    """Return ranks from 1; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(
        np.asarray(values, dtype=np.float64), return_inverse=True, return_counts=True
    )
    last = np.cumsum(counts)
    means: npt.NDArray[np.float64] = last - (counts - 1) / 2
    return means[inverse]
