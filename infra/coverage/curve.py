"""The risk-coverage curve: the share of wrong decisions when only the surest are made.

El-Yaniv and Wiener (2010), "On the foundations of noise-free selective classification"; the area
under it and the ideal are those of Geifman, Uziel and El-Yaniv (2019), "Bias-reduced uncertainty
estimation for deep neural classifiers".
"""

from collections.abc import Callable, Sequence
from itertools import groupby

from infra.coverage.truth import Judged
from shared.contracts.base import Record

STEPS = tuple(range(10, 101, 10))
"""Percent of the conversations that are decided, for a table."""


class Curve(Record, frozen=True, kw_only=True):
    """Risks of an order from the surest to the least sure."""

    risks: tuple[float, ...]
    """Share of wrong decisions among the first 1, 2, ... n, 0..1."""

    def at(self, percent: int) -> float:
        """Return the risk when so many percent, rounded up, are decided."""
        count = -(-len(self.risks) * percent // 100)
        return self.risks[count - 1] if count else 0.0

    @property
    def area(self) -> float:
        """The mean risk over every coverage, 0..1; lower is better."""
        return sum(self.risks) / len(self.risks) if self.risks else 0.0


def ordered(found: Sequence[Judged], sureness: Callable[[Judged], int]) -> Curve:
    """Return the curve of decisions by the total alone, the surest first.

    Conversations that are equally sure count as in the mean over every order of them.
    """
    risks: list[float] = []
    wrong = 0.0
    ranked = sorted(found, key=sureness, reverse=True)
    for _, group in groupby(ranked, key=sureness):
        tied = list(group)
        each = sum(one.is_forced_wrong for one in tied) / len(tied)
        for _ in tied:
            wrong += each
            risks.append(wrong / (len(risks) + 1))
    return Curve(risks=tuple(risks))


def ideal(found: Sequence[Judged]) -> Curve:
    """Return the curve of an order that knows the wrong ones and puts them last."""
    return ordered(found, lambda each: -int(each.is_forced_wrong))


def chance(found: Sequence[Judged]) -> Curve:
    """Return the curve of no order at all: the same risk at any coverage."""
    return ordered(found, lambda _: 0)
