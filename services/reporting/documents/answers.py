"""Questions about documents."""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from services.reporting.desk import Desk, Question
from services.reporting.documents.exporting import Exporter
from services.reporting.documents.jobs import ChartJob, PageJob
from services.reporting.documents.pages import read_page
from services.reporting.documents.rendering import Renderer
from services.reporting.documents.tables import csv_header, csv_lines, parquet
from services.reporting.documents.team_grid import heatmap_job
from services.reporting.documents.weekly import make_weekly, stored_page
from services.reporting.views.trend import team_trend
from shared.clock import Clock
from shared.config import Settings
from shared.contracts.base import Record
from shared.contracts.reports.base import AsOf
from shared.contracts.reports.documents import (
    BeginExport,
    Begun,
    ChartQuery,
    HeatmapChartQuery,
    PageFormat,
    PageQuery,
    Paper,
    Rendered,
    StoredPageQuery,
    TableQuery,
    TeamPage,
    WeeklyQuery,
    WeeklyReply,
)
from shared.contracts.reports.trend import TrendPoint, TrendQuery, TrendReply
from shared.db.keys import KeyRing, key_ring
from shared.db.pool import Database
from shared.ids import IdMaker, Uuid7Maker
from shared.tasks import end

RENDER_S: Final = 20.0
"""Seconds for a document: drawing the first one begins a process."""

IN_LINE: Final = 8
"""Documents that wait for the one rendering process; more are refused at once."""

WEEKLY_S: Final = 60.0
"""Seconds for a request's share of weekly pages."""


class Office:
    """Answers questions about documents."""

    def __init__(self, keys: KeyRing, ids: IdMaker, renderer: Renderer, exporter: Exporter) -> None:
        self._keys = keys
        self._ids = ids
        self._renderer = renderer
        self._exporter = exporter
        self._closing = asyncio.Event()

    async def run(self) -> None:
        """Write files that were ordered until `close`; then end the rendering process."""
        writing = asyncio.create_task(self._exporter.run())
        try:
            await self._closing.wait()
        finally:
            await end([writing])
            await self._renderer.close()

    def close(self) -> None:
        """End `run`; a file that is being written is begun anew by whoever comes next."""
        self._closing.set()

    def questions(self) -> tuple[Question, ...]:
        """Return them, to be asked on `report.<name>`."""
        return (
            Question("page", PageQuery, self.page, RENDER_S, IN_LINE),
            Question("chart", ChartQuery, self.chart, RENDER_S, IN_LINE),
            Question("heatmap_chart", HeatmapChartQuery, self.heatmap, RENDER_S, IN_LINE),
            Question("table", TableQuery, self.table),
            Question("stored_page", StoredPageQuery, self.stored, RENDER_S, IN_LINE),
            Question("weekly", WeeklyQuery, self.weekly, WEEKLY_S, 2),
            Question("export", BeginExport, self.export),
        )

    async def page(self, desk: Desk, query: PageQuery) -> Rendered:
        """Return a team's page as of now, drawn."""
        page = await read_page(desk, self._keys, query)
        return await self._drawn(page, query.format, query.paper)

    async def stored(self, desk: Desk, query: StoredPageQuery) -> Rendered:
        """Return a weekly page as it was made, drawn."""
        page = await stored_page(desk, self._keys, query)
        return await self._drawn(page, query.format, query.paper)

    async def chart(self, desk: Desk, query: ChartQuery) -> Rendered:
        """Return one chart of a team's page."""
        page = await read_page(desk, self._keys, query)
        job = ChartJob(page=page, chart=query.chart, format=query.format, skill=query.skill)
        return Rendered(content=await self._renderer.render(job), as_of=page.as_of)

    async def heatmap(self, desk: Desk, query: HeatmapChartQuery) -> Rendered:
        """Return teams beside each other as a chart."""
        job, reply = await heatmap_job(desk, self._keys, query)
        return Rendered(content=await self._renderer.render(job), as_of=reply.as_of)

    async def table(self, desk: Desk, query: TableQuery) -> Rendered:
        """Return the points of a trend as a file: the same numbers as its JSON."""
        reply = await team_trend(
            desk,
            TrendQuery(
                tenant_id=query.tenant_id,
                team_id=query.team_id,
                skill=query.skill,
                start=query.start,
                end=query.end,
                source=query.source,
                level=query.level,
                unit=query.unit,
                view="full",
            ),
        )
        fresh = _fresh(reply)
        return Rendered(content=_file(reply.points, query.format, fresh), as_of=fresh)

    async def weekly(self, desk: Desk, query: WeeklyQuery) -> WeeklyReply:
        """Make weekly pages of a tenant that are not made yet."""
        return await make_weekly(desk, self._keys, self._ids, query)

    async def export(self, _desk: Desk, query: BeginExport) -> Begun:
        """Begin to write a file."""
        self._exporter.hint(query.tenant_id, query.operation_id)
        return Begun()

    async def _drawn(self, page: TeamPage, form: PageFormat, paper: Paper) -> Rendered:
        if form == "json":
            return Rendered(content=msgspec.json.encode(page), as_of=page.as_of)
        content = await self._renderer.render(PageJob(page=page, format=form, paper=paper))
        return Rendered(content=content, as_of=page.as_of)


def open_office(settings: Settings, database: Database, clock: Clock) -> Office:
    """Return the office of a process; raises `ConfigError` where the installation has no key."""
    keys, ids = key_ring(settings), Uuid7Maker()
    return Office(keys, ids, Renderer(), Exporter(database, keys, clock, ids))


def _fresh(reply: TrendReply) -> AsOf:
    if reply.as_of is None:
        raise AssertionError("every answer says how fresh it is")
    return reply.as_of


def _file(points: Sequence[Record], form: str, fresh: AsOf) -> bytes:
    if form == "parquet":
        return parquet(TrendPoint, points, {"as_of": fresh.at.isoformat()})
    return csv_header(TrendPoint) + csv_lines(points)
