"""Requests and answers about documents: pages, charts, files of numbers, weekly pages."""

from datetime import date, datetime, timedelta
from typing import Annotated, Final, Literal

import msgspec

from services.api.fields import TeamId, utc
from services.api.paging import PageQuery
from services.api.reports.documents_records import Document
from services.api.reports.ranges import EARLIEST, RangeParameters, SkillKey
from services.api.reports.schemas import Level
from shared.contracts.reports.base import AsOf
from shared.contracts.reports.documents import (
    Advice,
    ChartFormat,
    ChartKind,
    PageFormat,
    Paper,
    SkillLine,
    TableFormat,
    TeamPage,
    VersionBreak,
)
from shared.errors import FieldError, ValidationFailedError
from shared.ids import format_id

MEDIA_TYPES: Final = {
    "html": "text/html",
    "pdf": "application/pdf",
    "json": "application/json",
    "svg": "image/svg+xml",
    "png": "image/png",
    "vega": "application/vnd.vegalite.v6+json",
    "csv": "text/csv; header=present",
    "parquet": "application/vnd.apache.parquet",
    "ndjson": "application/x-ndjson",
}
"""Of every format that a document has; the framework adds the charset of texts."""

PageForm = Annotated[
    PageFormat | None,
    msgspec.Meta(description="When absent, as `Accept` says; else `json`."),
]

PaperSize = Annotated[Paper, msgspec.Meta(description="Of a PDF.")]


class PageParameters(RangeParameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which page, and how it is drawn."""

    format: PageForm = None
    paper: PaperSize = "a4"


class ChartParameters(RangeParameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which chart, and how it is drawn."""

    chart: ChartKind = "trend"
    format: Annotated[
        ChartFormat,
        msgspec.Meta(description="`vega`: the Vega-Lite specification of the same drawing."),
    ] = "svg"
    skill: SkillKey = None


class HeatmapChartParameters(
    RangeParameters, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """Which teams and skills, and how they are drawn."""

    level: Level = "skill"
    format: ChartFormat = "svg"


class TableParameters(RangeParameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which numbers, and how they are written."""

    skill: SkillKey = None
    level: Level = "skill"
    bucket: Annotated[
        Literal["week", "month"],
        msgspec.Meta(description="What a row counts: whole weeks, or whole months."),
    ] = "week"
    format: Annotated[
        TableFormat | None,
        msgspec.Meta(description="When absent, as `Accept` says; else `csv`."),
    ] = None


class DocumentParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a weekly page is drawn."""

    format: PageForm = None
    paper: PaperSize = "a4"


class DocumentListQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters of the list."""

    team_id: TeamId | None = None
    week: Annotated[
        date | None, msgspec.Meta(description="Monday of the week that the page is for.")
    ] = None


class DocumentsCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which week's pages to make."""

    week: Annotated[
        date | None, msgspec.Meta(description="A Monday; that of the last week when absent.")
    ] = None

    def monday(self, today: date) -> date:
        """Return the Monday of a week that is over.

        Raises:
            ValidationFailedError: it is none, or its week is not over.
        """
        this_week = today - timedelta(days=today.weekday())
        week = self.week or this_week - timedelta(days=7)
        if week.weekday() != 0:
            raise _wrong_week("format", "A week begins on a Monday")
        if not EARLIEST <= week < this_week:
            raise _wrong_week("out-of-range", f"A week since {EARLIEST} that is over")
        return week


def _wrong_week(code: str, detail: str) -> ValidationFailedError:
    return ValidationFailedError(errors=(FieldError(pointer="/week", code=code, detail=detail),))


class DocumentsMade(msgspec.Struct, frozen=True, kw_only=True):
    """How it went."""

    week: date
    made: int
    """Pages that were not there before."""
    left: int
    """More than 0: send the request again for the others."""


class DocumentView(msgspec.Struct, frozen=True, kw_only=True):
    """A weekly page that can be read."""

    id: str
    team_id: str
    week: date
    """Monday of the week that was over."""
    created_at: datetime
    url: str
    """Where to read it, as JSON, HTML or PDF."""

    @classmethod
    def of(cls, document: Document) -> "DocumentView":
        """Return the public form."""
        public_id = format_id("rep", document.document_id)
        return cls(
            id=public_id,
            team_id=format_id("team", document.team_id),
            week=document.week,
            created_at=utc(document.created_at),
            url=f"/v1/reports/documents/{public_id}",
        )


class TeamPageView(msgspec.Struct, frozen=True, kw_only=True):
    """What a team's page says; the HTML and the PDF say the same."""

    team_id: str
    team_name: str
    source: Literal["simulation", "call", "all"]
    start: date = msgspec.field(name="from")
    end: date = msgspec.field(name="to")
    headline: str
    """The one thing to know, in plain words."""
    skills: tuple[SkillLine, ...]
    """By key; those with too few people are in the footnotes only."""
    breaks: tuple[VersionBreak, ...]
    practice: tuple[Advice, ...]
    footnotes: tuple[str, ...]
    as_of: AsOf

    @classmethod
    def of(cls, page: TeamPage) -> "TeamPageView":
        """Return the public form."""
        return cls(**msgspec.structs.asdict(page))
