"""How sure a criterion is: bounds of its indicators' rates, carried to its points.

Indicator
    good: the rate is the mean m of Beta(hits + .35, misses + .65), the prior being one occasion met
        at 35 %; bad, once seen: of Beta(hits, misses + 1). Its variance is m (1 - m) / (n + 2).
    a check of the whole conversation: Bernoulli variance of the judge overlooking or misreading it,
        SLIP (1 - SLIP) / n.
    bounds = m -+ 1.645 sd, kept within 0..1, then carried through min(1, rate / full_at).

Criterion: a weighted sum of them (`bounds.py`); the product of the bad ones counts to first order
(the "delta method").
"""

from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from math import sqrt

from services.scoring_worker.judging.aggregate import (
    CAUTION,
    PRIOR,
    Measured,
    Sorted,
    floor_of,
)
from shared.scorecard.bounds import Bounds, combine

Z = 1.645
"""Standard deviations on each side that hold 90 % of a normal distribution."""

SLIP = 0.08
"""Share of whole-conversation checks on which the judge overlooks or misreads something."""


def criterion_bounds(parts: Sorted, base: Fraction) -> Bounds:
    """Return the bounds of a criterion's points, 0..100, before they are kept within 0..100."""
    earned = _base_bounds(parts)
    if not parts.seen_bad:
        return earned
    kept = [1 - item.indicator.weight / 100 * float(item.strength) for item in parts.seen_bad]
    shares = [(_product(kept), earned)]
    for place, item in enumerate(parts.seen_bad):
        others = _product([*kept[:place], *kept[place + 1 :]])
        harm = strength_bounds(item)
        share = float(base) * others * item.indicator.weight / 100
        shares.append((share, Bounds(harm.above, harm.below)))
    return combine(shares)


def _product(values: Iterable[float]) -> float:
    product = 1.0
    for value in values:
        product *= value
    return product


def _base_bounds(parts: Sorted) -> Bounds:
    span = 100.0 - floor_of(parts)
    weight = sum([item.indicator.weight for item in parts.good])
    return combine(
        [(span * item.indicator.weight / weight, strength_bounds(item)) for item in parts.good]
    )


def strength_bounds(item: Measured) -> Bounds:
    """Return the bounds of one indicator's strength, 0..1."""
    return _strength_bounds(
        item.hits,
        item.occasions,
        item.indicator.full_at / 100,
        is_good=item.is_good,
        census=item.finding.census,
    )


@lru_cache(maxsize=8192)
def _strength_bounds(
    hits: int, occasions: int, full_at: float, *, is_good: bool, census: bool
) -> Bounds:
    if not occasions or not (hits or is_good):
        return Bounds(0.0, 0.0)
    if census:
        mean, variance = hits / occasions, SLIP * (1 - SLIP) / occasions
    else:
        prior = float(PRIOR) * CAUTION if is_good else 0.0
        mean = (hits + prior) / (occasions + CAUTION)
        variance = mean * (1 - mean) / (occasions + CAUTION + 1)
    reach = Z * sqrt(variance)
    value = min(1.0, mean / full_at)
    low = min(1.0, max(0.0, mean - reach) / full_at)
    high = min(1.0, min(1.0, mean + reach) / full_at)
    return Bounds(value - low, high - value)
