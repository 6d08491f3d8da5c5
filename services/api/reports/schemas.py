"""Requests and answers about a team's trend."""

from datetime import date
from typing import Annotated, Literal

import msgspec

from services.api.fields import utc
from services.api.reports.ranges import RangeParameters, SkillKey, TrendSource
from shared.contracts.reports.base import AsOf
from shared.contracts.reports.trend import (
    TrendBreak,
    TrendCell,
    TrendGap,
    TrendPoint,
    TrendReply,
    TrendRunning,
)
from shared.ids import format_id

Level = Annotated[
    Literal["skill", "root"],
    msgspec.Meta(description="`root`: the nine roots, each over all its skills."),
]


class TrendParameters(RangeParameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which trend."""

    skill: SkillKey = None
    level: Level = "skill"
    bucket: Annotated[
        Literal["week", "month"],
        msgspec.Meta(description="What a point counts: whole weeks, or whole months."),
    ] = "week"
    view: Annotated[
        Literal["full", "points"],
        msgspec.Meta(
            description="`points`: without intervals, statistics, breaks and headline, in less time"
        ),
    ] = "full"


class BreakView(msgspec.Struct, frozen=True, kw_only=True):
    """From this day scores come from another version: levels before and after do not compare."""

    day: date
    week: date
    """Monday of its week."""
    kind: Literal["rubric", "engine"]
    rubric_id: str | None
    rubric_version: int | None
    engine: str | None
    """Name and major version of the judge."""
    skills: tuple[str, ...]
    """What it touches; empty: everything."""

    @classmethod
    def of(cls, found: TrendBreak) -> "BreakView":
        """Return the public form."""
        return cls(
            day=found.day,
            week=found.week,
            kind=found.kind,
            rubric_id=None if found.rubric_id is None else format_id("rub", found.rubric_id),
            rubric_version=found.rubric_version,
            engine=found.engine,
            skills=found.skills,
        )


class TrendView(msgspec.Struct, frozen=True, kw_only=True):
    """A team's trend."""

    team_id: str
    skill: str | None
    level: Literal["skill", "root"]
    source: TrendSource
    bucket: Literal["week", "month"]
    start: date = msgspec.field(name="from")
    end: date = msgspec.field(name="to")
    headline: str | None
    """What all of it says, in one sentence; null with `view=points`."""
    data: tuple[TrendPoint, ...]
    """Sorted by skill, then time."""
    cells: tuple[TrendCell, ...]
    """One verdict per skill, over the whole range; none with `view=points`."""
    breaks: tuple[BreakView, ...]
    suppressed: tuple[TrendGap, ...]
    """Times in which somebody scored and that have no point."""
    running: tuple[TrendRunning, ...]
    """How much the present week holds so far."""
    min_people: int
    """Distinct people behind every point; see `/v1/settings/reports`."""
    as_of: AsOf | None
    """How fresh it is; null: an older process answered."""

    @classmethod
    def of(
        cls, team_id: str, query: TrendParameters, start: date, end: date, reply: TrendReply
    ) -> "TrendView":
        """Return the public form of an answer."""
        return cls(
            team_id=team_id,
            skill=query.skill,
            level=query.level,
            source=query.source,
            bucket=query.bucket,
            start=start,
            end=end,
            headline=reply.headline,
            data=reply.points,
            cells=reply.cells,
            breaks=tuple(map(BreakView.of, reply.breaks)),
            suppressed=reply.suppressed,
            running=reply.running,
            min_people=reply.min_people,
            as_of=None if reply.as_of is None else shown_as_of(reply.as_of),
        )


def shown_as_of(as_of: AsOf) -> AsOf:
    """Return the moment as answers show moments."""
    return msgspec.structs.replace(as_of, at=utc(as_of.at))
