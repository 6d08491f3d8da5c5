"""How far a sum of uncertain parts may be off, as bounds and as a 90 % interval; rounding.

A weighted sum lies within
    deviation = sqrt((1 - SHARED) * sum((share * d)^2) + SHARED * sum(share * d)^2)
of its value, for the lower and the upper side apart: the deviation of a sum whose parts correlate
by SHARED.

Only operations that IEEE 754 rounds correctly are used, in a fixed order, so that every machine
gives the same bounds.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import ceil, floor, sqrt
from typing import NamedTuple

from shared.contracts.scoring import Interval

SHARED = 0.15
"""Correlation between the parts of a sum: they rest on the same conversation."""

FULL_TRUST = 2
"""Occasions at which half of the confidence that the width allows is given."""

NOISE = 1e-9
"""What floating point may have added; it must not cost a whole point."""


class Bounds(NamedTuple):
    """How far a value may lie below and above what was measured; neither is negative."""

    below: float
    above: float


def combine(parts: Iterable[tuple[float, Bounds]]) -> Bounds:
    """Return the bounds of a weighted sum: (share, bounds) for each part, in a fixed order."""
    scaled = [(share * part.below, share * part.above) for share, part in parts]
    return Bounds(_joined([each[0] for each in scaled]), _joined([each[1] for each in scaled]))


def _joined(deviations: Sequence[float]) -> float:
    total = square = 0.0
    for each in deviations:
        total += each
        square += each * each
    return sqrt((1 - SHARED) * square + SHARED * total * total)


def interval(value: Fraction, bounds: Bounds) -> Interval:
    """Return whole bounds of an exact score 0..100, rounded outward: the rounded one is inside."""
    exact = float(value)
    low, high = floor(exact - bounds.below + NOISE), ceil(exact + bounds.above - NOISE)
    return Interval(low=max(0, low), high=min(100, high))


def bounds_of(score: int, around: Interval) -> Bounds:
    """Return how far an interval reaches below and above its score."""
    return Bounds(float(score - around.low), float(around.high - score))


def confidence(around: Interval, occasions: int) -> int:
    """Return 0..100: what the width leaves of 100, less for few occasions."""
    free = 100 - (around.high - around.low)
    return free * occasions // (occasions + FULL_TRUST)


def round_half_up(value: Fraction) -> int:
    """Round to the nearest integer, halves up, so that no machine rounds differently."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)
