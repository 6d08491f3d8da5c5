"""Requests and answers about teams beside each other, and about what stands out."""

from datetime import date
from typing import Literal

import msgspec

from services.api.reports.ranges import RangeParameters, SkillKey, TrendSource
from services.api.reports.schemas import Level, shown_as_of
from shared.contracts.reports.base import AsOf
from shared.contracts.reports.tables import (
    FreshnessReply,
    HeatmapReply,
    HiddenCell,
    SkillUniformity,
    StandOut,
    StrengthsReply,
    UniformityReply,
)
from shared.ids import format_id


class HeatmapParameters(RangeParameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which table."""

    level: Level = "skill"


class UniformityParameters(RangeParameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which comparison."""

    skill: SkillKey = None
    level: Level = "root"


class HeatmapCellView(msgspec.Struct, frozen=True, kw_only=True):
    """One team in one skill."""

    team_id: str
    skill: str
    n: int
    learners: int
    mean: float
    """0..100, one decimal."""
    difference: float
    """Points above the mean of all shown teams in this skill."""


class HiddenCellView(msgspec.Struct, frozen=True, kw_only=True):
    """One team in one skill of which nothing may be shown."""

    team_id: str
    skill: str
    reason: Literal["too_few_people", "not_over"]

    @classmethod
    def of(cls, cell: HiddenCell) -> "HiddenCellView":
        """Return the public form."""
        return cls(team_id=format_id("team", cell.team_id), skill=cell.skill, reason=cell.reason)


class HeatmapView(msgspec.Struct, frozen=True, kw_only=True):
    """A mean per team and skill."""

    level: Literal["skill", "root"]
    source: TrendSource
    start: date = msgspec.field(name="from")
    end: date = msgspec.field(name="to")
    headline: str
    data: tuple[HeatmapCellView, ...]
    """Sorted by team, then skill."""
    suppressed: tuple[HiddenCellView, ...]
    min_people: int
    as_of: AsOf

    @classmethod
    def of(
        cls, query: HeatmapParameters, start: date, end: date, reply: HeatmapReply
    ) -> "HeatmapView":
        """Return the public form of an answer."""
        return cls(
            level=query.level,
            source=query.source,
            start=start,
            end=end,
            headline=reply.headline,
            data=tuple(
                HeatmapCellView(
                    team_id=format_id("team", cell.team_id),
                    skill=cell.skill,
                    n=cell.n,
                    learners=cell.learners,
                    mean=cell.mean,
                    difference=cell.difference,
                )
                for cell in reply.cells
            ),
            suppressed=tuple(map(HiddenCellView.of, reply.suppressed)),
            min_people=reply.min_people,
            as_of=shown_as_of(reply.as_of),
        )


class ExampleView(msgspec.Struct, frozen=True, kw_only=True):
    """An assessment that shows it; `GET /v1/assessments/{id}` has the quotes."""

    assessment_id: str
    day: date


class StandOutView(msgspec.Struct, frozen=True, kw_only=True):
    """A skill that stands out, with its numbers."""

    skill: str
    n: int
    learners: int
    mean: float
    low: float
    """The mean's 90 % interval; it does not hold the mean over all skills."""
    high: float
    sentence: str
    evidence: tuple[ExampleView, ...]
    """Typical assessments; empty for keys that may not read assessments."""

    @classmethod
    def of(cls, found: StandOut) -> "StandOutView":
        """Return the public form."""
        return cls(
            skill=found.skill,
            n=found.n,
            learners=found.learners,
            mean=found.mean,
            low=found.low,
            high=found.high,
            sentence=found.sentence,
            evidence=tuple(
                ExampleView(assessment_id=format_id("asm", one.assessment_id), day=one.day)
                for one in found.evidence
            ),
        )


class StrengthsView(msgspec.Struct, frozen=True, kw_only=True):
    """What stands out: at most three strengths, and three areas to improve."""

    source: TrendSource
    start: date = msgspec.field(name="from")
    end: date = msgspec.field(name="to")
    headline: str
    mean: float | None
    """Over all skills, each counting once; null: nothing can be said."""
    strengths: tuple[StandOutView, ...]
    """Highest first."""
    areas_to_improve: tuple[StandOutView, ...]
    """Lowest first."""
    too_little: tuple[str, ...]
    """Skills with too little to say anything about."""
    min_people: int
    """1 for a learner: a person is not a group."""
    as_of: AsOf

    @classmethod
    def of(
        cls, query: RangeParameters, start: date, end: date, reply: StrengthsReply
    ) -> "StrengthsView":
        """Return the public form of an answer."""
        return cls(
            source=query.source,
            start=start,
            end=end,
            headline=reply.headline,
            mean=reply.mean,
            strengths=tuple(map(StandOutView.of, reply.strengths)),
            areas_to_improve=tuple(map(StandOutView.of, reply.areas)),
            too_little=reply.too_little,
            min_people=reply.min_people,
            as_of=shown_as_of(reply.as_of),
        )


class TeamPlaceView(msgspec.Struct, frozen=True, kw_only=True):
    """One team in one skill; the mean of its people's means."""

    team_id: str
    learners: int
    mean: float
    low: float
    """90 % interval."""
    high: float
    shrunken: float
    """Drawn towards the mean of all teams, the more the fewer people there are: the better guess
    of where the team stands.
    """
    shrunken_low: float
    shrunken_high: float
    is_outlier: bool
    """Apart from the others by more than chance, corrected for the number of teams; only where the
    teams are `different`.
    """


class SkillUniformityView(msgspec.Struct, frozen=True, kw_only=True):
    """How alike the teams are in one skill."""

    skill: str
    mean: float
    """Of all teams, with its 90 % interval."""
    low: float
    high: float
    between_sd: float
    """Points by which teams differ beyond what chance explains."""
    within_sd: float
    """Points by which people of one team differ."""
    share_between: float
    """0..1: share of the teams' differences that chance does not explain (I squared)."""
    p: float
    """Chance of such differences between teams that are all alike."""
    p_adjusted: float | None
    """The same, corrected for the number of skills shown (Benjamini-Hochberg); `different` at 0.05
    or less. Null: an older process answered.
    """
    verdict: Literal["alike", "different"]
    sentence: str
    teams: tuple[TeamPlaceView, ...]
    """In the order of their ids: no ranking."""

    @classmethod
    def of(cls, found: SkillUniformity) -> "SkillUniformityView":
        """Return the public form."""
        values = {name: getattr(found, name) for name in found.__struct_fields__}
        values["teams"] = tuple(
            TeamPlaceView(
                **{
                    **{name: getattr(team, name) for name in team.__struct_fields__},
                    "team_id": format_id("team", team.team_id),
                }
            )
            for team in found.teams
        )
        return cls(**values)


class UniformityView(msgspec.Struct, frozen=True, kw_only=True):
    """Whether teams hold the same standard."""

    level: Literal["skill", "root"]
    source: TrendSource
    start: date = msgspec.field(name="from")
    end: date = msgspec.field(name="to")
    headline: str
    data: tuple[SkillUniformityView, ...]
    """Sorted by skill; those that fewer than two teams can be compared in are left out."""
    suppressed: tuple[HiddenCellView, ...]
    min_people: int
    as_of: AsOf

    @classmethod
    def of(
        cls, query: UniformityParameters, start: date, end: date, reply: UniformityReply
    ) -> "UniformityView":
        """Return the public form of an answer."""
        return cls(
            level=query.level,
            source=query.source,
            start=start,
            end=end,
            headline=reply.headline,
            data=tuple(map(SkillUniformityView.of, reply.skills)),
            suppressed=tuple(map(HiddenCellView.of, reply.suppressed)),
            min_people=reply.min_people,
            as_of=shown_as_of(reply.as_of),
        )


class FreshnessView(msgspec.Struct, frozen=True, kw_only=True):
    """How far the counting is."""

    as_of: AsOf
    lag_s: float
    """Seconds between `as_of.at` and now; 0: everything is counted."""
    late_after_s: float
    """More is too late: operators are warned."""
    is_late: bool

    @classmethod
    def of(cls, reply: FreshnessReply) -> "FreshnessView":
        """Return the public form of an answer."""
        return cls(
            as_of=shown_as_of(reply.as_of),
            lag_s=reply.lag_s,
            late_after_s=reply.late_after_s,
            is_late=reply.is_late,
        )
