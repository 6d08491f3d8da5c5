"""What the truth about a conversation is: what the others of its kind say.

Truth: whether the mean total of the other conversations of its kind (same scenario, same learner,
other seeds) reaches the target. It is the judge's own mean, so it shows chance, not what the judge
gets wrong about language.
"""

from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction

from infra.coverage.conversations import Sample
from shared.contracts.base import Record
from shared.contracts.scoring import Interval

NEAR = 15
"""Points around the target within which passing is a matter of dispute."""


class Judged(Record, frozen=True, kw_only=True):
    """A conversation with a total, beside what the others of its kind say."""

    sample: Sample
    overall: int
    interval: Interval
    others: Fraction
    """Mean total of the other conversations of its kind, 0..100."""

    @property
    def is_truly_passed(self) -> bool:
        """Whether the others reach the target."""
        return self.others >= self.sample.target

    @property
    def is_forced_wrong(self) -> bool:
        """Whether a decision by the total alone, without any abstention, would be wrong."""
        return (self.overall >= self.sample.target) is not self.is_truly_passed

    @property
    def reach(self) -> int:
        """Points between the interval and the target; negative when it lies across.

        It grows by one for each point that the total and its interval move away from the target.
        """
        if self.overall >= self.sample.target:
            return self.interval.low - self.sample.target
        return self.sample.target - 1 - self.interval.high


def by_kind(samples: Iterable[Sample]) -> dict[tuple[str, str], list[Sample]]:
    """Return the conversations that differ by their seed alone."""
    found: dict[tuple[str, str], list[Sample]] = defaultdict(list)
    for sample in samples:
        found[sample.kind].append(sample)
    return dict(found)


def judged(samples: Iterable[Sample]) -> list[Judged]:
    """Return the conversations with a total that others of their kind can be compared with."""
    found = []
    for kind in by_kind(samples).values():
        scored = [(each, each.overall) for each in kind if each.overall is not None]
        total = sum(overall for _, overall in scored)
        for sample, overall in scored:
            if len(scored) > 1 and sample.interval is not None:
                others = Fraction(total - overall, len(scored) - 1)
                found.append(
                    Judged(sample=sample, overall=overall, interval=sample.interval, others=others)
                )
    return found


def contested(samples: Iterable[Sample]) -> list[Sample]:
    """Return the conversations of kinds whose mean total lies within NEAR points of the target."""
    found: list[Sample] = []
    for kind in by_kind(samples).values():
        totals = [each.overall for each in kind if each.overall is not None]
        if totals and abs(Fraction(sum(totals), len(totals)) - kind[0].target) <= NEAR:
            found += kind
    return found
