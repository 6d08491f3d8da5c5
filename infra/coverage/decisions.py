"""Pass or fail: what was decided, how much of it is wrong, and whether a second look agrees."""

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from itertools import combinations

import msgspec

from infra.coverage.conversations import Sample
from infra.coverage.truth import Judged, by_kind
from shared.contracts.base import Record

Decide = Callable[[Sample], bool | None]
"""Passed, failed, or None: left to a person."""


class Decided(Record, frozen=True, kw_only=True):
    """How decisions went."""

    conversations: int
    """With a total and a truth."""
    decided: int
    wrong: int
    """Of the decided."""

    @property
    def coverage(self) -> float:
        """Share decided, 0..1."""
        return share(self.decided, self.conversations)

    @property
    def risk(self) -> float:
        """Share of wrong decisions among the decided, 0..1."""
        return share(self.wrong, self.decided)


class Repeats(Record, frozen=True, kw_only=True):
    """Two conversations of one kind, compared; every two of each kind."""

    kinds: int
    """With two decided conversations or more."""
    split_kinds: int
    """Kinds with both decisions among them."""
    couples: int
    """Both were decided."""
    same: int

    @property
    def agreement(self) -> float:
        """Share of couples with the same decision, 0..1."""
        return share(self.same, self.couples)


def share(part: int, whole: int) -> float:
    """Return part / whole; 0 of nothing."""
    return part / whole if whole else 0.0


def as_judged(sample: Sample) -> bool | None:
    """Return the decision that the assessment shows."""
    return sample.passed


def with_band(factor: Fraction) -> Decide:
    """Return how it would decide if each interval reached `factor` times as far; 0: no band."""

    def decide(sample: Sample) -> bool | None:
        if sample.overall is None or sample.interval is None:
            return None
        low = sample.overall - factor * (sample.overall - sample.interval.low)
        high = sample.overall + factor * (sample.interval.high - sample.overall)
        if low < sample.target <= high:
            return None
        return sample.overall >= sample.target

    return decide


def at_target(samples: Iterable[Sample], target: int) -> list[Sample]:
    """Return the conversations as a rubric with another pass mark would have them.

    The total and its interval do not depend on the pass mark; the decision does.
    """
    decide = with_band(Fraction(1))
    moved = (msgspec.structs.replace(each, target=target) for each in samples)
    return [msgspec.structs.replace(each, passed=decide(each)) for each in moved]


def count(found: Sequence[Judged], decide: Decide = as_judged) -> Decided:
    """Return how many decisions were made and how many were wrong."""
    made = [
        answer is not each.is_truly_passed
        for each in found
        if (answer := decide(each.sample)) is not None
    ]
    return Decided(conversations=len(found), decided=len(made), wrong=sum(made))


def repeats(samples: Iterable[Sample], decide: Decide = as_judged) -> Repeats:
    """Return how often two conversations of one kind got the same decision, both being decided."""
    kinds = split_kinds = couples = same = 0
    for kind in by_kind(samples).values():
        made = [answer for each in kind if (answer := decide(each)) is not None]
        pairs = list(combinations(made, 2))
        kinds += bool(pairs)
        split_kinds += len(set(made)) > 1
        couples += len(pairs)
        same += sum(one is other for one, other in pairs)
    return Repeats(kinds=kinds, split_kinds=split_kinds, couples=couples, same=same)


def pool_counts(counts: Sequence[Decided]) -> Decided:
    """Return several counts as one."""
    return Decided(
        conversations=sum(each.conversations for each in counts),
        decided=sum(each.decided for each in counts),
        wrong=sum(each.wrong for each in counts),
    )


def pool_repeats(found: Sequence[Repeats]) -> Repeats:
    """Return several comparisons as one."""
    return Repeats(
        kinds=sum(each.kinds for each in found),
        split_kinds=sum(each.split_kinds for each in found),
        couples=sum(each.couples for each in found),
        same=sum(each.same for each in found),
    )


def smallest_band(samples: Sequence[Sample], aim: Fraction) -> Fraction | None:
    """Return the least factor of the intervals, in eighths up to 3, at which decisions repeat.

    Args:
        samples: the conversations.
        aim: the share of couples that must have the same decision, 0..1.
    """
    for eighths in range(25):
        factor = Fraction(eighths, 8)
        found = repeats(samples, with_band(factor))
        if found.same >= aim * found.couples:
            return factor
    return None
