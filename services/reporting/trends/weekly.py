"""A team's trend by ISO week, put together from rollups of cut weeks and of the wanted sources."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Literal

from services.reporting.trends.buckets import week_of
from services.reporting.trends.distributions import Distribution, mean, merge, quartiles
from shared.contracts.base import Record
from shared.contracts.reporting import TrendPoint

SOURCES: dict[Literal["simulation", "call", "all"], tuple[str, ...]] = {
    "simulation": ("simulation",),
    "call": ("call", "chat", "email"),
    "all": ("simulation", "call", "chat", "email"),
}
"""The stored sources behind each source of a question; `call` is every real conversation."""


class SkillBucket(Record, frozen=True, kw_only=True):
    """One rollup of the team in question."""

    skill: str
    bucket: date
    distribution: Distribution


def weekly_points(
    buckets: Iterable[SkillBucket], level: Literal["skill", "root"] = "skill"
) -> tuple[TrendPoint, ...]:
    """Return one point per skill (or root) and week that holds a score, sorted by both.

    A root's distribution is that of all scores of its skills: histograms merge exactly.
    """
    parts: dict[tuple[str, date], list[Distribution]] = defaultdict(list)
    for row in buckets:
        key = row.skill if level == "skill" else row.skill.partition(".")[0]
        parts[key, week_of(row.bucket)].append(row.distribution)
    merged = ((skill, week, merge(parts[skill, week])) for skill, week in sorted(parts))
    return tuple(_point(skill, week, whole) for skill, week, whole in merged if whole.n > 0)


def _point(skill: str, week: date, whole: Distribution) -> TrendPoint:
    cuts = quartiles(whole)
    return TrendPoint(
        skill=skill,
        week=week,
        n=whole.n,
        mean=mean(whole),
        q1=cuts.q1,
        median=cuts.median,
        q3=cuts.q3,
    )
