"""Teams beside each other, and what a team or a learner is good at."""

from datetime import date
from typing import Literal
from uuid import UUID

from shared.contracts.base import Record
from shared.contracts.reports.base import AsOf, ReportQuery
from shared.contracts.reports.settings import MIN_PEOPLE

Source = Literal["simulation", "call", "all"]
"""`call` means every real conversation: calls, chats and e-mails."""

Level = Literal["skill", "root"]


class _RangeQuery(ReportQuery, frozen=True, kw_only=True):
    start: date
    """First day, inclusive, in the tenant's time zone; the range is widened to whole weeks."""
    end: date
    """Last day, inclusive."""
    source: Source = "all"


class HeatmapQuery(_RangeQuery, frozen=True, kw_only=True):
    """Every team and skill: one mean each."""

    team_ids: tuple[UUID, ...] | None
    """Teams the caller may see; None: all."""
    level: Level = "skill"


class HeatmapCell(Record, frozen=True, kw_only=True):
    """One team in one skill."""

    team_id: UUID
    skill: str
    n: int
    learners: int
    mean: float
    """0..100, one decimal."""
    difference: float
    """Points above the mean of all shown teams in this skill."""


class HiddenCell(Record, frozen=True, kw_only=True):
    """One team in one skill, of which too little may be shown."""

    team_id: UUID
    skill: str
    reason: Literal["too_few_people", "not_over"]


class HeatmapReply(Record, frozen=True, kw_only=True):
    """Cells sorted by team, then skill."""

    cells: tuple[HeatmapCell, ...]
    suppressed: tuple[HiddenCell, ...]
    headline: str
    min_people: int = MIN_PEOPLE
    as_of: AsOf


class TeamStrengthsQuery(_RangeQuery, frozen=True, kw_only=True):
    """What a team is good at, and what not."""

    team_id: UUID
    has_evidence: bool = False
    """Whether assessments are named: only for who may read them."""


class LearnerStrengthsQuery(_RangeQuery, frozen=True, kw_only=True):
    """What one learner is good at, and what not; the API has checked that the caller may see it."""

    learner_id: UUID
    has_evidence: bool = False


class Example(Record, frozen=True, kw_only=True):
    """An assessment that shows it."""

    assessment_id: UUID
    day: date


class StandOut(Record, frozen=True, kw_only=True):
    """A skill that stands out, with its numbers."""

    skill: str
    n: int
    learners: int
    mean: float
    low: float
    """The mean's 90 % interval; it does not hold the mean over all skills."""
    high: float
    sentence: str
    evidence: tuple[Example, ...] = ()


class StrengthsReply(Record, frozen=True, kw_only=True):
    """Highest first, and lowest first; a skill is in neither when its interval holds `mean`."""

    mean: float | None
    """Over all skills, each counting once; null: nothing can be said."""
    strengths: tuple[StandOut, ...]
    areas: tuple[StandOut, ...]
    """To improve."""
    too_little: tuple[str, ...]
    """Skills with too little to say anything about."""
    headline: str
    min_people: int = MIN_PEOPLE
    as_of: AsOf


class UniformityQuery(_RangeQuery, frozen=True, kw_only=True):
    """Whether teams hold the same standard."""

    team_ids: tuple[UUID, ...] | None
    """Teams the caller may see; None: all."""
    level: Level = "root"
    skill: str | None = None
    """One skill (or root); None: all."""


class TeamPlace(Record, frozen=True, kw_only=True):
    """One team in one skill; the mean of its people's means."""

    team_id: UUID
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
    """Its own mean lies outside of what the others make likely, corrected for their number; only
    where the teams are `different`.
    """


class SkillUniformity(Record, frozen=True, kw_only=True):
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
    p_adjusted: float | None = None
    """The same, corrected for the number of skills shown (Benjamini-Hochberg); `different` at 0.05
    or less. Null: an older process answered.
    """
    verdict: Literal["alike", "different"]
    sentence: str
    teams: tuple[TeamPlace, ...]
    """Sorted by id: no ranking."""


class UniformityReply(Record, frozen=True, kw_only=True):
    """Skills sorted by key; those that fewer than two teams can be compared in are left out."""

    skills: tuple[SkillUniformity, ...]
    suppressed: tuple[HiddenCell, ...]
    headline: str
    min_people: int = MIN_PEOPLE
    as_of: AsOf


class FreshnessQuery(ReportQuery, frozen=True, kw_only=True):
    """How far the counting is."""


class FreshnessReply(Record, frozen=True, kw_only=True):
    """How far the counting is."""

    as_of: AsOf
    lag_s: float
    """Seconds between `as_of.at` and now; 0: everything is counted."""
    late_after_s: float
    """More is too late: operators are warned."""
    is_late: bool
