"""Shares of answers and the net promoter score, with intervals that hold for few answers."""

import math

from services.reporting.trends.stats.distributions import normal_quantile
from services.reporting.trends.stats.estimate import CONFIDENCE, Estimate


def wilson(positives: int, n: int, *, confidence: float = CONFIDENCE) -> Estimate:
    """Return a share (0..1) of answers with Wilson's score interval.

    Raises:
        ValueError: no answers, or more positive ones than answers.
    """
    if not 0 <= positives <= n or n < 1:
        raise ValueError("a share needs answers, and its positive ones are some of them")
    z = normal_quantile((1 + confidence) / 2)
    share = positives / n
    scale = 1 + z * z / n
    middle = (share + z * z / (2 * n)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # The ends are 0 and 1 exactly when nobody or everybody was positive; keep rounding out.
    low = 0.0 if positives == 0 else max(0.0, middle - half)
    high = 1.0 if positives == n else min(1.0, middle + half)
    return Estimate(value=share, low=low, high=high, n=n)


def net_promoter(
    promoters: int, detractors: int, n: int, *, confidence: float = CONFIDENCE
) -> Estimate:
    """Return the net promoter score (-100..100) with its interval.

    Promoters answered 9 or 10, detractors 0 to 6; `n` counts all answers. The variance of one
    answer is p+ + p- - (p+ - p-)^2 (shares of promoters and detractors).

    Raises:
        ValueError: no answers, or more promoters and detractors than answers.
    """
    if min(promoters, detractors) < 0 or promoters + detractors > n or n < 1:
        raise ValueError("a net promoter score needs answers, each counted once")
    up, down = promoters / n, detractors / n
    score = up - down
    half = normal_quantile((1 + confidence) / 2) * math.sqrt((up + down - score * score) / n)
    return Estimate(
        value=100 * score,
        low=100 * max(-1.0, score - half),
        high=100 * min(1.0, score + half),
        n=n,
    )
