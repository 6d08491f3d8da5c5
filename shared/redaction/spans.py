"""Where in a text something stands, and which of several readings counts."""

from bisect import bisect
from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple


class Kind(IntEnum):
    """What was recognized; where two readings overlap, the earlier one here counts."""

    EMAIL = 0
    IBAN = 1
    CARD = 2
    ID = 3
    BIRTHDAY = 4
    IP = 5
    PHONE = 6
    NAME = 7


class Span(NamedTuple):
    """A stretch of a text; `end` is exclusive."""

    start: int
    end: int
    kind: Kind

    def overlaps(self, other: "Span") -> bool:
        """Say whether both have a character in common."""
        return self.start < other.end and other.start < self.end


def without_overlaps(spans: Iterable[Span]) -> list[Span]:
    """Return spans in order, of several that overlap the first kind, of one kind the longest."""
    chosen: list[Span] = []
    for span in sorted(spans, key=lambda each: (each.kind, each.start - each.end, each.start)):
        place = bisect(chosen, span)  # as those do not overlap, only its neighbors may
        if not any(span.overlaps(other) for other in chosen[max(0, place - 1) : place + 1]):
            chosen.insert(place, span)
    return chosen
