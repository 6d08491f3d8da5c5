"""How good somebody is at a skill now: recent scores count more, few scores count as unknown."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from math import sqrt
from typing import Final, Literal
from uuid import UUID

from services.reporting.trends.stats.distributions import t_quantile
from services.reporting.trends.stats.estimate import CONFIDENCE
from shared.contracts.base import Record

HALF_LIFE_DAYS: Final = 30
"""A score that is so much older counts half."""

WINDOW_DAYS: Final = 365
"""Older scores are not read at all: they would weigh less than 1/4000."""

MIN_SCORES: Final = 3
"""Fewer say nothing: there is no number and no tier."""

TYPICAL_SD: Final = 12.0
"""Points by which one person's scores of one skill usually scatter; see `_spread`."""

TYPICAL_WEIGHT: Final = 4
"""As many degrees of freedom does the usual scatter have beside the person's own."""

UPPER: Final = (1 + CONFIDENCE) / 2
"""The share below the upper end of an interval."""

Tier = Literal["mastered", "proficient", "developing", "beginning"]
"""From 90, from 75, from 50, below."""

Confidence = Literal["high", "medium", "low"]
"""Half the interval is up to 5, up to 10, or more points."""

TIERS: Final[tuple[tuple[int, Tier], ...]] = (
    (90, "mastered"),
    (75, "proficient"),
    (50, "developing"),
    (0, "beginning"),
)
"""The first score of each tier, best first."""


class Moments(Record, frozen=True, kw_only=True):
    """Sums over one person's scores s of one skill; g = 0.5 ** (age in days / 30)."""

    person_id: UUID
    skill: str
    n: int
    weight: float
    """Sum of g."""
    weight_squares: float
    """Sum of g * g."""
    total: float
    """Sum of g * s."""
    squares: float
    """Sum of g * s * s."""
    newest: date

    @property
    def mean(self) -> float:
        """The proficiency: sum g s / sum g."""
        return self.total / self.weight

    @property
    def effective(self) -> float:
        """As many equally old scores would know as much: (sum g)^2 / sum g^2, from 1 to n."""
        return self.weight * self.weight / self.weight_squares


class Level(Record, frozen=True, kw_only=True):
    """A person's proficiency in one skill."""

    skill: str
    n: int
    newest: date
    score: float
    """0..100, one decimal."""
    low: float
    """90 % interval, one decimal."""
    high: float
    tier: Tier
    confidence: Confidence


class Unknown(Record, frozen=True, kw_only=True):
    """A skill with too few scores for a number."""

    skill: str
    n: int
    newest: date


class Band(Record, frozen=True, kw_only=True):
    """Neighboring tiers that are counted together, so that no small group shows."""

    tiers: tuple[Tier, ...]
    """Best first."""
    people: int


def tier_of(score: float) -> Tier:
    """Return the tier of a proficiency as it is shown (one decimal)."""
    return next(tier for least, tier in TIERS if score >= least)


def levels(rows: Sequence[Moments]) -> tuple[tuple[Level, ...], tuple[Unknown, ...]]:
    """Return what is known of one person, and what is not, each by skill."""
    variance, freedom = _spread(rows)
    known, unknown = [], []
    for row in sorted(rows, key=lambda each: each.skill):
        if row.n < MIN_SCORES:
            unknown.append(Unknown(skill=row.skill, n=row.n, newest=row.newest))
        else:
            known.append(_level(row, variance, freedom))
    return tuple(known), tuple(unknown)


def scores_by_skill(rows: Iterable[Moments]) -> Mapping[str, dict[UUID, float]]:
    """Return the proficiencies (one decimal) of all people who have one, by skill and person."""
    found: dict[str, dict[UUID, float]] = {}
    for row in rows:
        if row.n >= MIN_SCORES:
            found.setdefault(row.skill, {})[row.person_id] = round(row.mean, 1)
    return dict(sorted(found.items()))


def bands(scores: Iterable[float], *, at_least: int) -> tuple[Band, ...]:
    """Count people by tier, best first, with neighbors put together until each band is big enough.

    Empty when there are fewer than `at_least` people in all.
    """
    counts = Counter(tier_of(score) for score in scores)
    done: list[Band] = []
    tiers: tuple[Tier, ...] = ()
    people = 0
    for _, tier in TIERS:
        tiers, people = (*tiers, tier), people + counts[tier]
        if people >= at_least:
            done.append(Band(tiers=tiers, people=people))
            tiers, people = (), 0
    if tiers and done:
        last = done.pop()
        done.append(Band(tiers=(*last.tiers, *tiers), people=last.people + people))
    return tuple(done)


def _spread(rows: Sequence[Moments]) -> tuple[float, int]:
    """Return the variance of one score around its skill's mean, and its degrees of freedom.

    Three scores say little about scatter. So that of all the person's skills is taken together, and
    the usual one counts beside it.
    """
    freedom, total = float(TYPICAL_WEIGHT), TYPICAL_WEIGHT * TYPICAL_SD**2
    for row in rows:
        around = max(row.squares / row.weight - row.mean**2, 0.0)
        freedom += row.effective - 1
        total += row.effective * around
    return total / freedom, int(freedom)  # whole ones are looked up


def _level(row: Moments, variance: float, freedom: int) -> Level:
    score, half = round(row.mean, 1), t_quantile(UPPER, freedom) * sqrt(variance / row.effective)
    return Level(
        skill=row.skill,
        n=row.n,
        newest=row.newest,
        score=score,
        low=round(max(row.mean - half, 0), 1),
        high=round(min(row.mean + half, 100), 1),
        tier=tier_of(score),
        confidence="high" if half <= 5 else "medium" if half <= 10 else "low",
    )
