"""What a report on paper says, and the questions by which it is asked for.

The content of a page is one struct: the HTML, the PDF and the JSON of a report are three forms of
the same numbers and the same sentences.
"""

from datetime import date
from typing import Final, Literal
from uuid import UUID

from shared.contracts.base import Record
from shared.contracts.reports.base import AsOf, ReportQuery
from shared.contracts.reports.tables import HeatmapQuery

Source = Literal["simulation", "call", "all"]
Verdict = Literal["improving", "declining", "steady", "too_little_data"]
ChartKind = Literal["trend", "heatmap", "distribution"]
ChartFormat = Literal["svg", "png", "vega"]
PageFormat = Literal["html", "pdf", "json"]
TableFormat = Literal["csv", "parquet"]
ExportFormat = Literal["csv", "ndjson", "parquet"]
Paper = Literal["a4", "us-letter"]

MAX_RENDERED_BYTES: Final = 1_400_000
"""Biggest document in an answer: with base64 it stays below NATS's two mebibytes."""


class WeekPoint(Record, frozen=True, kw_only=True):
    """One skill in one week, or in a few weeks where single ones have too few people."""

    week: date
    """Monday of the first week."""
    through: date
    """Last day that is counted."""
    n: int
    learners: int
    mean: float
    """0..100, with its 90 % interval by bootstrap over people."""
    low: float | None
    high: float | None


class Spread(Record, frozen=True, kw_only=True):
    """How the scores of a skill spread over the time of a report: percentiles, 0..100."""

    p10: float
    q1: float
    median: float
    q3: float
    p90: float


class SkillLine(Record, frozen=True, kw_only=True):
    """One skill of a team over the time of a report; counted from what its points count."""

    skill: str
    name: str
    """As the tenant calls it."""
    n: int
    learners: int
    mean: float
    """0..100, over the whole time."""
    spread: Spread
    slope_per_week: float | None
    """Points per week; None with too little data."""
    verdict: Verdict
    sentence: str
    """The verdict in words, with the numbers behind it."""
    points: tuple[WeekPoint, ...]


class VersionBreak(Record, frozen=True, kw_only=True):
    """From this day on another rubric or another judge scored: lines before and after differ."""

    day: date
    text: str
    """What changed, in a few words."""


class Advice(Record, frozen=True, kw_only=True):
    """What to practice next."""

    title: str
    reason: str
    """Why, with the numbers."""


class TeamPage(Record, frozen=True, kw_only=True):
    """A team's report on one page."""

    team_id: str
    """Public id."""
    team_name: str
    source: Source
    start: date
    end: date
    headline: str
    """The one thing to know, in plain words."""
    skills: tuple[SkillLine, ...]
    """By key; those with too few people are in `footnotes` only."""
    breaks: tuple[VersionBreak, ...]
    practice: tuple[Advice, ...]
    footnotes: tuple[str, ...]
    """What limits the numbers."""
    as_of: AsOf


class HeatCell(Record, frozen=True, kw_only=True):
    """One cell of a heatmap."""

    row: str
    column: str
    mean: float | None
    """0..100; None: too few people, or nothing."""
    learners: int | None
    reason: str | None = None
    """Why there is no number."""


class DocumentQuery(ReportQuery, frozen=True, kw_only=True):
    """What every document of a team is asked for with; the range is widened to whole weeks."""

    team_id: UUID
    start: date
    """First day, inclusive, in the tenant's time zone."""
    end: date
    source: Source = "all"


class PageQuery(DocumentQuery, frozen=True, kw_only=True):
    """A team's page, rendered."""

    format: PageFormat = "html"
    paper: Paper = "a4"


class ChartQuery(DocumentQuery, frozen=True, kw_only=True):
    """One chart of a team's page."""

    chart: ChartKind
    format: ChartFormat = "svg"
    skill: str | None = None
    """One skill; None: those that a page would show."""


class HeatmapChartQuery(HeatmapQuery, frozen=True, kw_only=True):
    """Teams beside each other as one chart."""

    format: ChartFormat = "svg"


class TableQuery(DocumentQuery, frozen=True, kw_only=True):
    """The numbers of a team's trend as a file."""

    level: Literal["skill", "root"] = "skill"
    skill: str | None = None
    unit: Literal["week", "month"] = "week"
    format: TableFormat = "csv"


class StoredPageQuery(ReportQuery, frozen=True, kw_only=True):
    """A page that was made for a week, rendered."""

    document_id: UUID
    format: PageFormat = "html"
    paper: Paper = "a4"


class Rendered(Record, frozen=True, kw_only=True):
    """A document."""

    content: bytes
    as_of: AsOf


class WeeklyQuery(ReportQuery, frozen=True, kw_only=True):
    """Make the weekly reports of a tenant that are not made yet; asked by the orchestrator."""

    week: date
    """Monday of the week that is over."""


class WeeklyReply(Record, frozen=True, kw_only=True):
    """How it went."""

    made: int
    left: int
    """More than 0: ask again, one request does not take for ever."""


class BeginExport(ReportQuery, frozen=True, kw_only=True):
    """Begin to write a file that was ordered; it would begin by itself, only later."""

    operation_id: UUID


class Begun(Record, frozen=True, kw_only=True):
    """Somebody works on it."""
