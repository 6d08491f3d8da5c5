"""Means over people: one value per person, because a person's sessions are not independent."""

import math
from collections.abc import Sequence

import numpy as np

from services.reporting.trends.stats.distributions import t_quantile
from services.reporting.trends.stats.estimate import CONFIDENCE, Estimate


def mean_of_people(values: Sequence[float], *, confidence: float = CONFIDENCE) -> Estimate | None:
    """Return the mean of one value per person with its t interval; None for fewer than two."""
    n = len(values)
    if n < 2:
        return None
    array = np.asarray(values, dtype=np.float64)
    mean = float(array.mean())
    half = t_quantile((1 + confidence) / 2, n - 1) * float(array.std(ddof=1)) / math.sqrt(n)
    return Estimate(value=mean, low=mean - half, high=mean + half, n=n)
