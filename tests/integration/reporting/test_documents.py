"""Pages, charts and files of a team, from stored rollups to bytes."""

import csv
import io
from collections.abc import AsyncIterator
from typing import TypeVar

import msgspec
import pyarrow.parquet as pq
import pypdfium2
import pytest

from services.reporting.desk import QuestionError
from services.reporting.documents.pages import read_page
from services.reporting.documents.rendering import Renderer
from services.reporting.views.trend import team_trend
from shared.contracts.reports.documents import (
    ChartQuery,
    DocumentQuery,
    HeatmapChartQuery,
    PageQuery,
    TableQuery,
    TeamPage,
)
from shared.contracts.reports.trend import TrendPoint, TrendQuery
from shared.db.keys import KeyRing
from shared.db.pool import Database
from tests.integration.reporting.document_world import (
    END,
    FIRST,
    PEOPLE,
    SKILLS,
    desk_at,
    office_of,
    query,
    two_teams,
)
from tests.integration.reporting.reporting_team import Team
from tests.integration.reporting.reporting_world import World
from tests.support.tenants import TenantFactory

Asked = TypeVar("Asked", bound=DocumentQuery)


@pytest.fixture(scope="module")
async def teams(
    world: World, keys: KeyRing, database: Database, tenants: TenantFactory
) -> list[Team]:
    return await two_teams(world, keys, database, (await tenants.new()).tenant_id)


@pytest.fixture(scope="module")
async def renderer() -> AsyncIterator[Renderer]:
    renderer = Renderer(deadline_s=60)
    yield renderer
    await renderer.close()


def _asked(team: Team, kind: type[Asked], **more: object) -> Asked:
    return kind(**msgspec.structs.asdict(query(team)), **more)


class TestPage:
    async def test_says_what_the_trend_says(
        self, database: Database, keys: KeyRing, teams: list[Team]
    ):
        desk = desk_at(database)
        page = await read_page(desk, keys, query(teams[0]))
        trend = await team_trend(desk, teams[0].query(FIRST, END, view="full"))

        assert page.team_name == "Night <shift> & Co"
        assert page.headline == trend.headline
        assert {line.skill for line in page.skills} == set(SKILLS)
        cells = {cell.skill: cell for cell in trend.cells}
        for line in page.skills:
            cell = cells[line.skill]
            assert (line.n, line.learners, line.mean) == (cell.n, PEOPLE, cell.mean)
            assert (line.verdict, line.sentence) == (cell.verdict, cell.sentence)
            points = [point for point in trend.points if point.skill == line.skill]
            assert [point.mean for point in line.points] == [point.mean for point in points]
            assert sum(point.n for point in line.points) == line.n
            cuts = msgspec.structs.astuple(line.spread)
            assert list(cuts) == sorted(cuts)
        (empathy,) = (line for line in page.skills if line.skill == "relate.empathy")
        assert empathy.verdict == "improving"
        assert page.as_of.behind == 0

    async def test_a_team_with_too_few_people_has_no_number(
        self, database: Database, keys: KeyRing, teams: list[Team]
    ):
        page = await read_page(desk_at(database), keys, query(teams[1]))
        assert page.skills == ()
        assert "at least 5" in page.headline
        assert any("too few people" in note for note in page.footnotes)

    async def test_another_tenants_team_is_unknown(
        self, database: Database, keys: KeyRing, teams: list[Team], tenants: TenantFactory
    ):
        stranger = (await tenants.new()).tenant_id
        with pytest.raises(QuestionError, match="no such team"):
            await read_page(desk_at(database), keys, query(teams[0], tenant_id=stranger))


class TestDrawn:
    async def test_the_pdf_is_one_sheet_with_the_words_of_the_page(
        self, database: Database, keys: KeyRing, renderer: Renderer, teams: list[Team]
    ):
        office, desk = office_of(database, keys, renderer), desk_at(database)
        for paper, size in (("a4", (595, 842)), ("us-letter", (612, 792))):
            asked = _asked(teams[0], PageQuery, format="pdf", paper=paper)
            pdf = pypdfium2.PdfDocument((await office.page(desk, asked)).content)
            assert len(pdf) == 1
            assert tuple(round(side) for side in pdf[0].get_size()) == size
            text = pdf[0].get_textpage().get_text_range()
            assert "Night <shift> & Co" in text
            assert "Empathy" in text
            pdf.close()

    async def test_the_html_is_whole_and_escaped(
        self, database: Database, keys: KeyRing, renderer: Renderer, teams: list[Team]
    ):
        office = office_of(database, keys, renderer)
        asked = _asked(teams[0], PageQuery, format="html")
        html = (await office.page(desk_at(database), asked)).content.decode()
        assert "<shift>" not in html
        assert "Night &lt;shift&gt; &amp; Co" in html
        assert html.count("<svg") == html.count('role="img"') == 3
        assert html.count("<table>") == 3
        assert "<script" not in html
        assert "http" not in html.replace("http://www.w3.org", "").replace("http-equiv", "")

    async def test_a_page_without_numbers_is_still_a_page(
        self, database: Database, keys: KeyRing, renderer: Renderer, teams: list[Team]
    ):
        office, desk = office_of(database, keys, renderer), desk_at(database)
        pdf = (await office.page(desk, _asked(teams[1], PageQuery, format="pdf"))).content
        assert pdf.startswith(b"%PDF-")
        html = (await office.page(desk, _asked(teams[1], PageQuery, format="html"))).content
        assert b"<svg" not in html

    async def test_json_is_the_page(
        self, database: Database, keys: KeyRing, renderer: Renderer, teams: list[Team]
    ):
        office, desk = office_of(database, keys, renderer), desk_at(database)
        found = await office.page(desk, _asked(teams[0], PageQuery, format="json"))
        page = msgspec.json.decode(found.content, type=TeamPage)
        assert page == await read_page(desk, keys, query(teams[0]))

    @pytest.mark.parametrize(
        ("form", "begin"), [("svg", b"<svg"), ("png", b"\x89PNG"), ("vega", b"{")]
    )
    @pytest.mark.parametrize("chart", ["trend", "heatmap", "distribution"])
    async def test_every_chart_in_every_form(
        self,
        database: Database,
        keys: KeyRing,
        renderer: Renderer,
        teams: list[Team],
        chart: str,
        form: str,
        begin: bytes,
    ):
        office = office_of(database, keys, renderer)
        for team in teams:  # with numbers, and without any
            asked = _asked(team, ChartQuery, chart=chart, format=form)
            content = (await office.chart(desk_at(database), asked)).content
            assert content.startswith(begin)

    async def test_teams_beside_each_other_by_name(
        self, database: Database, keys: KeyRing, renderer: Renderer, teams: list[Team]
    ):
        asked = HeatmapChartQuery(
            tenant_id=teams[0].tenant_id, team_ids=None, start=FIRST, end=END, format="vega"
        )
        found = await office_of(database, keys, renderer).heatmap(desk_at(database), asked)
        rows = msgspec.json.decode(found.content)["data"]["values"]
        assert {row["column"] for row in rows} <= {"Night <shift> &…", "Few"}
        known = [row for row in rows if row["mean"] is not None]
        assert len(known) == len(SKILLS)
        assert all(row["column"] != "Few" for row in known)


class TestTable:
    async def _points(self, database: Database, team: Team) -> list[TrendPoint]:
        body = msgspec.structs.asdict(query(team))
        asked = TrendQuery(**body, skill=None, view="full")
        return list((await team_trend(desk_at(database), asked)).points)

    async def test_csv_gives_back_every_number(
        self, database: Database, keys: KeyRing, renderer: Renderer, teams: list[Team]
    ):
        office = office_of(database, keys, renderer)
        asked = _asked(teams[0], TableQuery, format="csv")
        content = (await office.table(desk_at(database), asked)).content.decode()
        rows = [
            msgspec.convert({k: v or None for k, v in row.items()}, TrendPoint, strict=False)
            for row in csv.DictReader(io.StringIO(content))
        ]
        assert rows == await self._points(database, teams[0])
        assert len(rows) >= len(SKILLS) * 12

    async def test_parquet_gives_back_every_number(
        self, database: Database, keys: KeyRing, renderer: Renderer, teams: list[Team]
    ):
        office = office_of(database, keys, renderer)
        asked = _asked(teams[0], TableQuery, format="parquet")
        found = await office.table(desk_at(database), asked)
        table = pq.read_table(io.BytesIO(found.content))
        rows = [msgspec.convert(row, TrendPoint) for row in table.to_pylist()]
        assert rows == await self._points(database, teams[0])
        assert table.schema.metadata[b"as_of"].decode() == found.as_of.at.isoformat()

    async def test_a_file_without_rows_has_its_columns(
        self, database: Database, keys: KeyRing, renderer: Renderer, teams: list[Team]
    ):
        office, desk = office_of(database, keys, renderer), desk_at(database)
        found = await office.table(desk, _asked(teams[1], TableQuery, format="parquet"))
        table = pq.read_table(io.BytesIO(found.content))
        assert (table.num_rows, table.column_names[0]) == (0, "skill")
        found = await office.table(desk, _asked(teams[1], TableQuery, format="csv"))
        assert found.content.startswith(b"skill,week,")
        assert found.content.count(b"\r\n") == 1
