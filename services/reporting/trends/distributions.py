"""Distributions of scores: integers 0..100, so 101 counts lose nothing and merge exactly."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from operator import add, sub

from shared.contracts.base import Record

CELLS = 101
"""One cell per possible score, 0..100."""


class Distribution(Record, frozen=True, kw_only=True):
    """How many scores of each value there are; a difference of two may hold negative numbers."""

    n: int
    total: int
    """Sum of the scores."""
    squares: int
    """Sum of their squares."""
    histogram: tuple[int, ...]
    """101 counts; cell i counts the score i."""

    @property
    def is_zero(self) -> bool:
        """Whether nothing is in it (for a difference: nothing changed)."""
        return not any(self.histogram)


class Quartiles(Record, frozen=True, kw_only=True):
    """The three cuts of a distribution; multiples of 0.25, exact."""

    q1: float
    median: float
    q3: float


EMPTY = Distribution(n=0, total=0, squares=0, histogram=(0,) * CELLS)
"""The neutral element of `merge`."""


def distribution_of(scores: Iterable[int]) -> Distribution:
    """Count scores; raises `ValueError` when one is outside 0..100."""
    histogram = [0] * CELLS
    n = total = squares = 0
    for score in scores:
        if not 0 <= score < CELLS:
            raise ValueError("a score is outside 0..100")
        histogram[score] += 1
        n += 1
        total += score
        squares += score * score
    return Distribution(n=n, total=total, squares=squares, histogram=tuple(histogram))


def distribution_of_counts(amounts: Mapping[int, int]) -> Distribution:
    """Return the distribution that holds each score (0..100) as often as given."""
    return Distribution(
        n=sum(amounts.values()),
        total=sum(score * amount for score, amount in amounts.items()),
        squares=sum(score * score * amount for score, amount in amounts.items()),
        histogram=tuple(amounts.get(score, 0) for score in range(CELLS)),
    )


def merge(parts: Sequence[Distribution]) -> Distribution:
    """Return the distribution of all scores of the parts; order does not matter."""
    if not parts:
        return EMPTY
    merged = parts[0]
    for part in parts[1:]:
        merged = Distribution(
            n=merged.n + part.n,
            total=merged.total + part.total,
            squares=merged.squares + part.squares,
            histogram=tuple(map(add, merged.histogram, part.histogram)),
        )
    return merged


def difference(after: Distribution, before: Distribution) -> Distribution:
    """Return what must be merged into `before` to make `after`."""
    return Distribution(
        n=after.n - before.n,
        total=after.total - before.total,
        squares=after.squares - before.squares,
        histogram=tuple(map(sub, after.histogram, before.histogram)),
    )


def mean(distribution: Distribution) -> float:
    """Return the mean with one decimal, 0..100.

    Raises:
        ValueError: the distribution is empty.
    """
    _require_scores(distribution)
    return round(distribution.total / distribution.n, 1)


def quartiles(distribution: Distribution) -> Quartiles:
    """Return the quartiles by definition 7 of Hyndman & Fan (1996), the default of R and NumPy.

    With the sorted scores x[0..n-1] and h = (n - 1) * p, the quantile is
    x[floor(h)] + (h - floor(h)) * (x[floor(h) + 1] - x[floor(h)]) for p = 1/4, 1/2, 3/4.

    Raises:
        ValueError: the distribution is empty.
    """
    _require_scores(distribution)
    ranks = list(accumulate(distribution.histogram))

    def cut(quarters: int) -> float:
        # In quarters, h is an integer: no rounding anywhere.
        index, rest = divmod((distribution.n - 1) * quarters, 4)
        low = bisect_right(ranks, index)
        high = bisect_right(ranks, index + 1) if rest else low
        return low + rest * (high - low) / 4

    return Quartiles(q1=cut(1), median=cut(2), q3=cut(3))


def _require_scores(distribution: Distribution) -> None:
    if distribution.n < 1:
        raise ValueError("an empty distribution has no mean and no quartiles")
