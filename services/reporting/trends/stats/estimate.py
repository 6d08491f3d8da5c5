"""What a statistic says: a number with its interval and what it rests on."""

from typing import Final

from shared.contracts.base import Record

CONFIDENCE: Final = 0.9
"""Of every interval in reports, unless one is asked for."""


class Estimate(Record, frozen=True, kw_only=True):
    """A number and its interval, in the number's own unit."""

    value: float
    low: float
    high: float
    n: int
    """How many independent things (people, answers) it rests on."""


class Effect(Record, frozen=True, kw_only=True):
    """A change and whether it is more than chance."""

    value: float
    low: float
    high: float
    p: float
    """Two-sided, of no change at all."""
    n: int
    """How many people (for a trend line: points) it rests on."""
    is_proven: bool
    """Whether the interval excludes zero."""
