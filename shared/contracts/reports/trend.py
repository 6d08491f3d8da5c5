"""The trend of a team."""

from datetime import date
from typing import Literal
from uuid import UUID

from shared.contracts.base import Record
from shared.contracts.reports.base import AsOf, ReportQuery
from shared.contracts.reports.settings import MIN_PEOPLE

MAX_TREND_WEEKS = 262
"""Longest range of a question, in ISO weeks it touches: five years; reporting refuses more."""


Reason = Literal["too_few_people", "not_over", "in_wider_block"]
"""Why something has no point: hidden; still running; or only counted by months or wider."""

Verdict = Literal["improving", "declining", "steady", "too_little_data"]


class TrendQuery(ReportQuery, frozen=True, kw_only=True):
    """A team's trend; the tenant was authenticated by the API.

    The range is widened to whole ISO weeks (or months): a point always counts all of its time.
    """

    team_id: UUID
    skill: str | None
    """One skill, or None for all."""
    start: date
    """First day, inclusive, in the tenant's time zone."""
    end: date
    """Last day, inclusive."""
    source: Literal["simulation", "call", "all"]
    """`call` means every real conversation: calls, chats and e-mails."""
    level: Literal["skill", "root"] = "skill"
    """`root`: all skills under a root together; `skill` is a root's key then."""
    unit: Literal["week", "month"] = "week"
    view: Literal["full", "points"] = "points"
    """`points`: without intervals, statistics, breaks and headline, which takes less time."""


class TrendPoint(Record, frozen=True, kw_only=True):
    """One skill in one week or month, or in a few weeks where single ones have too few people."""

    skill: str
    """A skill's key, or a root's."""
    week: date
    """Monday of the ISO week, of the first one where the point holds several; by months: the
    first of the month.
    """
    start: date | None = None
    """First day that is counted: weeks are cut at month ends where a half has too few people."""
    through: date | None = None
    """Last day that is counted."""
    n: int
    """Scores: of a skill one per assessment, of a root one per skill and assessment."""
    learners: int = 0
    """Distinct people."""
    mean: float
    """0..100, one decimal."""
    q1: float
    """Quartiles: Hyndman & Fan (1996), definition 7; multiples of 0.25."""
    median: float
    q3: float
    low: float | None = None
    """The mean's 90 % interval, by drawing people anew; null where it was not asked for."""
    high: float | None = None
    is_partial: bool = False
    """Whether a part of this time is left out because too few people scored in it: real
    conversations beside practice, a skill of a root, half a week.
    """


class TrendCell(Record, frozen=True, kw_only=True):
    """One skill over the whole range, with the numbers behind the verdict."""

    skill: str
    n: int
    learners: int
    weeks: int
    """Weeks in which somebody scored."""
    mean: float | None
    """0..100, with its 90 % interval."""
    low: float | None
    high: float | None
    slope: float | None
    """Points a week (Theil-Sen, each person against their own level), with its 90 % interval."""
    slope_low: float | None
    slope_high: float | None
    p: float | None
    """Chance of such a trend over the weeks without any (Mann-Kendall, each person against their
    own level).
    """
    p_adjusted: float | None
    """The same, corrected for the number of cells shown (Benjamini-Hochberg)."""
    p_people: float | None = None
    """Chance that people's own slopes agree so well without any trend (a t test, people are the
    units).
    """
    p_people_adjusted: float | None = None
    """The same, corrected likewise. A verdict needs both corrected chances to be 0.05 or less, and
    an interval of the slope without zero.
    """
    verdict: Verdict
    reason: str | None
    """Why there is too little data."""
    segments: int
    """Stretches between version breaks; slopes are taken within them."""
    sentence: str
    """The verdict in words, with its numbers."""


class TrendBreak(Record, frozen=True, kw_only=True):
    """From this day scores come from another version: levels before and after do not compare."""

    day: date
    week: date
    kind: Literal["rubric", "engine"]
    rubric_id: UUID | None
    rubric_version: int | None
    engine: str | None
    """Name and major version of the judge."""
    skills: tuple[str, ...]
    """What it touches; empty: everything."""


class TrendGap(Record, frozen=True, kw_only=True):
    """A time in which somebody scored and that has no point."""

    skill: str
    week: date
    start: date
    """First day of the part of the week that is meant: weeks are cut at month ends."""
    reason: Reason


class TrendRunning(Record, frozen=True, kw_only=True):
    """What the present week holds so far; its scores are told when it is over."""

    skill: str
    week: date
    n: int
    learners: int


class TrendReply(Record, frozen=True, kw_only=True):
    """Points sorted by skill, then time; a time without a score has no point."""

    points: tuple[TrendPoint, ...]
    cells: tuple[TrendCell, ...] = ()
    breaks: tuple[TrendBreak, ...] = ()
    suppressed: tuple[TrendGap, ...] = ()
    running: tuple[TrendRunning, ...] = ()
    headline: str | None = None
    min_people: int = MIN_PEOPLE
    as_of: AsOf | None = None
