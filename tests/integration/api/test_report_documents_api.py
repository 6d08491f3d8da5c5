"""Documents over HTTP: who may have which, in which form; and files of all counted scores."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.api.context import ProcessContext
from services.reporting.documents.exporting import Exporter
from shared.db.keys import KeyRing
from shared.ids import format_id, parse_id
from shared.reports import PAGE
from tests.integration.api.conftest import IDS, KeyMaker, Partner
from tests.integration.api.reports_world import answering
from tests.support.waiting import eventually

WRONG = {"format": "docx", "paper": "a5"}


@pytest.fixture(scope="module")
async def reporting(context: ProcessContext) -> AsyncIterator[Exporter]:
    """Reporting's answers about documents, in process; files are written when a test says so."""
    async with answering(context) as exporter:
        yield exporter


class TestPage:
    async def test_every_form_is_what_it_says(self, partner: Partner, reporting: Exporter):
        team = await partner.team()
        path = f"/v1/reports/teams/{team}/page"
        page = (await partner.get(path)).json()
        assert page["team_id"] == team
        assert page["skills"] == []
        assert page["as_of"]["behind"] >= 0
        html = await partner.get(path, params={"format": "html"})
        assert html.headers["content-type"] == "text/html; charset=utf-8"
        assert page["headline"] in html.text

    async def test_the_table_has_its_columns(self, partner: Partner, reporting: Exporter):
        team = await partner.team()
        table = await partner.get(f"/v1/reports/teams/{team}/table")
        assert table.headers["content-type"].startswith("text/csv")
        assert table.text.startswith("skill,week,")

    async def test_a_chart_without_numbers_is_a_chart(self, partner: Partner, reporting: Exporter):
        team = await partner.team()
        path = f"/v1/reports/teams/{team}/chart"
        found = await partner.get(path, params={"format": "vega"})
        assert found.json()["$schema"].startswith("https://vega.github.io")

    async def test_teams_beside_each_other(self, partner: Partner, reporting: Exporter):
        found = await partner.get("/v1/reports/heatmap/chart")
        assert found.headers["content-type"] == "image/svg+xml"
        assert found.text.startswith("<svg")

    async def test_what_one_may_not_see_is_not_there(self, partner: Partner, reporting: Exporter):
        stranger = format_id("team", IDS.new())
        for path in ("page", "chart", "table"):
            found = await partner.get(f"/v1/reports/teams/{stranger}/{path}")
            assert found.status_code == 404

    async def test_pages_are_made_for_weeks_that_are_over(
        self, partner: Partner, reporting: Exporter
    ):
        path = "/v1/reports/documents"
        made = await partner.post(path, {"week": "2026-03-02"})
        assert made.json() == {"week": "2026-03-02", "made": 0, "left": 0}
        for week in ("2026-03-03", "2199-01-07", "1990-01-01"):
            refused = await partner.post(path, {"week": week})
            assert refused.status_code == 400
            assert [each["pointer"] for each in refused.json()["errors"]] == ["/week"]

    async def test_wrong_words_are_named(self, partner: Partner, reporting: Exporter):
        team = await partner.team()
        found = await partner.get(f"/v1/reports/teams/{team}/page", params=WRONG)
        assert found.status_code == 400
        pointers = {each["pointer"] for each in found.json()["errors"]}
        assert pointers == {"query:format", "query:paper"}


class TestDocuments:
    async def _stored(self, partner: Partner, keys: KeyRing, url: str, team: str, page: str) -> str:
        document_id = IDS.new()
        tenant_id = partner.tenant.tenant_id
        connection = await asyncpg.connect(url, server_settings={"search_path": "app,report"})
        try:
            tenant = await keys.tenant(connection, tenant_id)
            await connection.execute(
                "insert into report.documents values ($1, $2, $3, '2026-11-09', $4, now())",
                tenant_id,
                document_id,
                parse_id("team", team),
                tenant.seal(page.encode(), PAGE, document_id.bytes),
            )
        finally:
            await connection.close()
        return format_id("rep", document_id)

    async def test_a_weekly_page_is_listed_and_read_as_it_was_made(
        self,
        partner: Partner,
        reporting: Exporter,
        keys: KeyRing,
        database_url: str,
        key_maker: KeyMaker,
    ):
        team = await partner.team()
        found = await partner.get(f"/v1/reports/teams/{team}/page")
        page = found.text.replace('"from"', '"start"').replace('"to"', '"end"')
        document = await self._stored(partner, keys, database_url, team, page)

        path = "/v1/reports/documents"
        listed = (await partner.get(path, params={"team_id": team})).json()["data"]
        assert [each["id"] for each in listed] == [document]
        assert listed[0]["week"] == "2026-11-09"
        read = await partner.get(listed[0]["url"])
        assert read.json() == found.json()
        other = await partner.team("Another")
        tenant_id, bounds = partner.tenant.tenant_id, [parse_id("team", other)]
        key = await key_maker.new(tenant_id, scopes=["reports:read"], team_ids=bounds)
        bound = partner.as_key(key)
        assert (await bound.get(path)).json()["data"] == []
        assert (await bound.get(f"{path}/{document}")).status_code == 404
        assert (await partner.get(path, params={"week": "2026-11-02"})).json()["data"] == []


class TestExports:
    async def test_a_file_is_ordered_once_written_and_fetched(
        self, partner: Partner, reporting: Exporter
    ):
        begun = await partner.post("/v1/reports/exports", {"format": "csv"}, key="export-1")
        again = await partner.post("/v1/reports/exports", {"format": "csv"}, key="export-1")
        assert (begun.status_code, again.status_code) == (202, 202)
        export = begun.json()
        assert again.json()["id"] == export["id"]
        path = f"/v1/reports/exports/{export['id']}"
        assert begun.headers["location"] == path
        early = await partner.get(f"{path}/file")
        assert early.status_code == 409

        operation_id = parse_id("op", export["id"])
        assert (partner.tenant.tenant_id, operation_id) in reporting._waiting
        assert await reporting.write(partner.tenant.tenant_id, operation_id)

        async def is_whole() -> bool:
            return (await partner.get(path)).json()["status"] == "succeeded"

        await eventually(is_whole)
        shown = (await partner.get(path)).json()
        file = await partner.get(shown["file"])
        assert file.text.startswith("scoring_id,assessment_id,")
        assert shown["size_bytes"] == len(file.content)
        operation = (await partner.get(f"/v1/operations/{export['id']}")).json()
        assert (operation["kind"], operation["status"]) == ("report_export", "succeeded")
        assert operation["result"] == path
