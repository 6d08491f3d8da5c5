"""HTTP face of documents: pages, charts and files of a team's numbers, and weekly pages."""

from collections.abc import AsyncIterator, Mapping
from typing import Final

import msgspec

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.paging import Page, make_page
from services.api.reports.documents_schemas import (
    MEDIA_TYPES,
    ChartParameters,
    DocumentListQuery,
    DocumentParameters,
    DocumentsCreate,
    DocumentsMade,
    DocumentView,
    HeatmapChartParameters,
    PageParameters,
    TableParameters,
    TeamPageView,
)
from services.api.reports.documents_service import DocumentService
from services.api.reports.service import ReportService
from services.api.reports.table_routes import refuse_learners
from services.api.teams.service import TeamService
from shared.clock import Clock
from shared.contracts.reports.documents import (
    ChartQuery,
    HeatmapChartQuery,
    PageFormat,
    PageQuery,
    Rendered,
    StoredPageQuery,
    TableQuery,
    TeamPage,
    WeeklyQuery,
    WeeklyReply,
)
from shared.errors import (
    CursorInvalidError,
    NotFoundError,
    ScopeMissingError,
    UnavailableError,
)
from shared.ids import format_id, parse_id

READ: Final = "reports:read"

PATIENCE_S: Final = 20.0
"""Seconds for a document: the first one in a while begins a process that draws."""

_PROBLEMS: Final = (NotFoundError, UnavailableError)

_PAGE_KINDS: Final[Mapping[str, PageFormat]] = {
    "text/html": "html",
    "application/pdf": "pdf",
    "application/json": "json",
}

_CHUNK: Final = 64 * 1024


class DocumentRoutes:
    """`/v1/reports/teams/{team_id}/page`, `chart` and `table`, and `/v1/reports/documents`."""

    def __init__(
        self, reports: ReportService, teams: TeamService, documents: DocumentService, clock: Clock
    ) -> None:
        self._reports = reports
        self._teams = teams
        self._documents = documents
        self._clock = clock

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/reports/teams/{team_id:team}/page",
            scope=READ,
            query=PageParameters,
            answers={200: TeamPageView},
            problems=_PROBLEMS,
            audited="report.read",
        )
    )
    async def get_team_page(self, call: Call) -> Answer:
        """Get a team's report on one page, as JSON, HTML or PDF.

        The headline first, three charts, what to practice next, and what limits the numbers. The
        HTML needs nothing else and runs no script; the PDF is one sheet of paper.
        """
        query: PageParameters = call.query
        team_id = call.ids["team_id"]
        start, end = query.range(call.principal.today(self._clock.now()))
        await self._teams.get(call.principal, team_id)
        form = query.format or _accepted(call.header(b"accept"))
        asked = PageQuery(
            tenant_id=call.principal.tenant_id,
            team_id=team_id,
            start=start,
            end=end,
            source=query.source,
            format=form,
            paper=query.paper,
        )
        found = await self._reports.ask("page", asked, Rendered, patience_s=PATIENCE_S)
        return _page_answer(found, form, f"report-{format_id('team', team_id)}-{end}")

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/reports/teams/{team_id:team}/chart",
            scope=READ,
            query=ChartParameters,
            answers={200: str},
            problems=_PROBLEMS,
        )
    )
    async def get_team_chart(self, call: Call) -> Answer:
        """Get one chart of a team's report as SVG, PNG or Vega-Lite.

        All three are the same drawing with the same numbers; the specification carries its data.
        """
        query: ChartParameters = call.query
        team_id = call.ids["team_id"]
        start, end = query.range(call.principal.today(self._clock.now()))
        await self._teams.get(call.principal, team_id)
        asked = ChartQuery(
            tenant_id=call.principal.tenant_id,
            team_id=team_id,
            start=start,
            end=end,
            source=query.source,
            chart=query.chart,
            format=query.format,
            skill=query.skill,
        )
        found = await self._reports.ask("chart", asked, Rendered, patience_s=PATIENCE_S)
        name = f"{query.chart}-{format_id('team', team_id)}-{end}"
        suffix = "vl.json" if query.format == "vega" else query.format
        return _file(found.content, query.format, f"{name}.{suffix}")

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/reports/heatmap/chart",
            scope=READ,
            query=HeatmapChartParameters,
            answers={200: str},
            problems=(UnavailableError,),
        )
    )
    async def get_heatmap_chart(self, call: Call) -> Answer:
        """Get teams beside each other as a chart: all teams, or those your key is bound to."""
        query: HeatmapChartParameters = call.query
        refuse_learners(call.principal)
        start, end = query.range(call.principal.today(self._clock.now()))
        asked = HeatmapChartQuery(
            tenant_id=call.principal.tenant_id,
            team_ids=call.principal.team_ids,
            level=query.level,
            start=start,
            end=end,
            source=query.source,
            format=query.format,
        )
        found = await self._reports.ask("heatmap_chart", asked, Rendered, patience_s=PATIENCE_S)
        suffix = "vl.json" if query.format == "vega" else query.format
        return _file(found.content, query.format, f"teams-{end}.{suffix}")

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/reports/teams/{team_id:team}/table",
            scope=READ,
            query=TableParameters,
            answers={200: str},
            problems=_PROBLEMS,
            audited="report.read",
        )
    )
    async def get_team_table(self, call: Call) -> Answer:
        """Get the points of a team's trend as CSV or Parquet.

        The columns are the fields of the trend's points, and every number is the same to its last
        digit. In CSV a text that a spreadsheet would compute begins with an apostrophe.
        """
        query: TableParameters = call.query
        team_id = call.ids["team_id"]
        start, end = query.range(call.principal.today(self._clock.now()))
        await self._teams.get(call.principal, team_id)
        wants = (call.header(b"accept") or "").lower()
        form = query.format or ("parquet" if MEDIA_TYPES["parquet"] in wants else "csv")
        asked = TableQuery(
            tenant_id=call.principal.tenant_id,
            team_id=team_id,
            start=start,
            end=end,
            source=query.source,
            level=query.level,
            skill=query.skill,
            unit=query.bucket,
            format=form,
        )
        found = await self._reports.ask("table", asked, Rendered)
        return _file(found.content, form, f"trend-{format_id('team', team_id)}-{end}.{form}")

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/reports/documents",
            scope=READ,
            body=DocumentsCreate,
            answers={200: DocumentsMade},
            problems=(ScopeMissingError, UnavailableError),
        )
    )
    async def make_report_documents(self, call: Call) -> Answer:
        """Make the weekly pages of a week that is over, without waiting for their hour.

        Each team that scored lately gets one page per week, however often this is asked; each new
        one is told by `report.ready`.
        """
        body: DocumentsCreate = call.body
        principal = call.principal
        if principal.team_ids is not None or principal.learner_id is not None:
            raise ScopeMissingError("A bound key makes no pages for all teams")
        week = body.monday(principal.today(self._clock.now()))
        query = WeeklyQuery(tenant_id=principal.tenant_id, week=week)
        made = await self._reports.ask("weekly", query, WeeklyReply, patience_s=PATIENCE_S)
        return Answer(body=DocumentsMade(week=week, made=made.made, left=made.left))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/reports/documents",
            scope=READ,
            query=DocumentListQuery,
            answers={200: Page[DocumentView]},
            problems=(CursorInvalidError,),
        )
    )
    async def list_report_documents(self, call: Call) -> Answer:
        """List weekly pages of teams in order of creation.

        They are made where the report settings say so; `report.ready` tells of each.
        """
        query: DocumentListQuery = call.query
        page = call.page
        rows = await self._documents.list(
            call.principal,
            page,
            team_id=None if query.team_id is None else parse_id("team", query.team_id),
            week=query.week,
        )
        return Answer(body=make_page(rows, page, lambda row: row.document_id, DocumentView.of))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/reports/documents/{document_id:rep}",
            scope=READ,
            query=DocumentParameters,
            answers={200: TeamPageView},
            problems=_PROBLEMS,
            audited="report.read",
        )
    )
    async def get_report_document(self, call: Call) -> Answer:
        """Get a weekly page as it was made, as JSON, HTML or PDF.

        Scores that were revised since then do not change it.
        """
        query: DocumentParameters = call.query
        document_id = call.ids["document_id"]
        await self._documents.check(call.principal, document_id)
        form = query.format or _accepted(call.header(b"accept"))
        asked = StoredPageQuery(
            tenant_id=call.principal.tenant_id,
            document_id=document_id,
            format=form,
            paper=query.paper,
        )
        found = await self._reports.ask("stored_page", asked, Rendered, patience_s=PATIENCE_S)
        return _page_answer(found, form, format_id("rep", document_id))


def _accepted(accept: str | None) -> PageFormat:
    """Return the first format that a client names; JSON where it names none of ours."""
    for each in (accept or "").lower().split(","):
        found = _PAGE_KINDS.get(each.split(";")[0].strip())
        if found is not None:
            return found
    return "json"


def _page_answer(found: Rendered, form: PageFormat, name: str) -> Answer:
    if form == "json":
        page = msgspec.json.decode(found.content, type=TeamPage)
        return Answer(body=TeamPageView.of(page))
    return _file(found.content, form, f"{name}.{form}")


def _file(content: bytes, form: str, name: str) -> Answer:
    return Answer(
        body=None,
        stream=_chunks(content),
        media_type=MEDIA_TYPES[form],
        headers={"Content-Disposition": f'inline; filename="{name}"'},
    )


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), _CHUNK):
        yield content[start : start + _CHUNK]
