"""The map of the data against the catalog of a migrated database. [R-C12]"""

import asyncpg
import pytest

from shared.privacy import erasure, offboarding, rotation
from shared.privacy.map import MINE, _table, personal, tables

WITHOUT_ERASER = {
    "app.trail",
    "app.trail_heads",
    "app.installation_keys",
    "app.ops_keys",
    "app.processes",
}
"""Reviewed: evidence that nobody takes away, and what belongs to no tenant."""


@pytest.fixture(scope="module")
async def catalog(database_url: str):
    connection = await asyncpg.connect(database_url, server_settings={"search_path": "app,report"})
    yield connection
    await connection.close()


async def _columns(catalog) -> dict[str, dict[str, asyncpg.Record]]:
    rows = await catalog.fetch(
        "select n.nspname || '.' || c.relname as name, a.attname as column,"
        " format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as is_needed"
        " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped"
        " where n.nspname in ('app', 'report') and c.relkind in ('r', 'p')"
    )
    found: dict[str, dict[str, asyncpg.Record]] = {}
    for row in rows:
        found.setdefault(row["name"], {})[row["column"]] = row
    return found


async def check_map(catalog) -> None:
    there = await _columns(catalog)
    known = {each.name: each for each in tables()}
    assert known.keys() == there.keys()
    for name, table in known.items():
        columns = table.columns
        assert len(columns) == len(set(columns)), f"{name}: a column twice"
        assert set(columns) == there[name].keys(), f"{name}: {set(columns) ^ there[name].keys()}"
        for sealed in table.sealed:
            assert there[name][sealed.name]["type"] == "bytea", f"{name}.{sealed.name}"
            assert {column for column, _ in sealed.row} <= there[name].keys()
        if "learner_id" in columns:
            assert table.mine is not None, f"{name}: rows of learners need a rule"


class TestTheMap:
    async def test_it_names_every_table_and_every_column(self, catalog) -> None:
        await check_map(catalog)

    @pytest.mark.parametrize(
        "ddl",
        [
            "create table app.planted (tenant_id uuid, note text)",
            "alter table app.simulations add column note text",
            "alter table app.goals drop column skill",
        ],
    )
    async def test_a_change_of_the_catalog_is_caught(self, catalog, ddl: str) -> None:
        transaction = catalog.transaction()
        await transaction.start()
        try:
            await catalog.execute(ddl)
            with pytest.raises(AssertionError):
                await check_map(catalog)
        finally:
            await transaction.rollback()

    async def test_bytes_that_nothing_explains_are_not_called_facts(self, catalog) -> None:
        there = await _columns(catalog)
        packed = {
            f"{table.name}.{column}"
            for table in tables()
            for column in table.others
            if there[table.name][column]["type"] == "bytea"
        }
        assert packed == {
            "app.rubric_versions.content_hash", "app.scenario_versions.content_hash",
            "app.webhook_keys.public_key", "report.rollups.histogram", "report.rollups.people",
            "report.months.amounts", "report.months.people", "report.months.cells", "report.told_levels.levels",
            "app.trail.before_digest", "app.trail.after_digest", "app.trail.entry_hash", "app.trail.hash",
            "app.trail_heads.hash", "app.trail_heads.pruned_hash", "app.trail_heads.mac",
            "app.trail_marks.mark",
        }  # fmt: skip

    def test_what_a_person_wrote_is_blanked_wherever_the_row_stays(self) -> None:
        for table in personal():
            said = {each.name for each in table.sealed}
            if table.erase == "keep":
                assert not said, table.name
            if table.erase == "blank":
                assert said <= table.blanks.keys(), table.name
                assert set(table.hashes) <= table.blanks.keys(), table.name

    async def test_every_statement_is_one_that_the_database_takes(self, catalog) -> None:
        """The planner refuses a column that is not there, or null where something must be."""
        for table in tables():
            statements = [erasure.statement_of(table)]
            if not table.is_kept:
                statements.append(offboarding.statement_of(table))
            found = table.of_key("tenant", "either")
            statements += [rotation.statements_of(table, sealed)[0] for sealed in found]
            for statement in filter(None, statements):
                await catalog.prepare(statement)
            if table.mine is not None:
                await catalog.prepare(
                    f"select from {table.name} where tenant_id = $1 and {MINE[table.mine]}"
                )
            needed = {
                name
                for name, row in (await _columns(catalog))[table.name].items()
                if row["is_needed"]
            }
            assert not needed & {name for name, blank in table.blanks.items() if blank == "null"}

    def test_a_word_that_is_not_known_is_refused(self) -> None:
        with pytest.raises(ValueError, match="what is factz"):
            _table("app.x", {"factz": []})
        with pytest.raises(ValueError, match="need `erase`"):
            _table("app.x", {"whose": "learner"})


class TestTheEraser:
    async def test_it_reaches_what_the_map_names_and_only_by_tenant(self, catalog) -> None:
        rows = await catalog.fetch(
            "select c.oid::regclass::text as name, pg_get_expr(p.polqual, p.polrelid) as seen"
            " from pg_policy p join pg_class c on c.oid = p.polrelid where p.polname = 'eraser'"
        )
        short = {row["name"]: row["seen"] for row in rows}
        names = {each.name.removeprefix("app.").removeprefix("report.") for each in tables()}
        left = {each.partition(".")[2] for each in WITHOUT_ERASER}
        assert short.keys() == (names - left) | {"trail"}
        del short["trail"]  # it may add to it
        assert set(short.values()) == {"(tenant_id = current_tenant())"}

    async def test_it_sees_no_row_without_a_tenant_and_has_no_power_of_its_own(
        self, catalog
    ) -> None:
        transaction = catalog.transaction()
        await transaction.start()
        try:
            await catalog.execute("set local role rapport_eraser")
            for table in tables():
                if table.name not in WITHOUT_ERASER:
                    assert await catalog.fetchval(f"select count(*) from {table.name}") == 0
        finally:
            await transaction.rollback()

    async def test_the_services_themselves_still_cannot(self, catalog) -> None:
        for table, right in (
            ("turns", "delete"),
            ("assessments", "update"),
            ("tenant_keys", "delete"),
        ):
            assert not await catalog.fetchval(
                "select has_table_privilege('rapport_app', $1, $2)", f"app.{table}", right
            )
