"""An upgrade leaves no wrong numbers: rollups of the old form go, and a mark says what is missing."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from infra.devstack.stack import Stack
from infra.migrations.migrate import migrations
from shared.ids import Uuid7Maker
from tests.support.databases import Databases

NAME = "before_rollups"
FIRST_NEW = "0027_rollups.sql"


@pytest.fixture
async def old(stack: Stack, databases: Databases) -> AsyncIterator[asyncpg.Connection]:
    """A database as the release before left it, read as its owner."""
    server = await asyncpg.connect(stack.database_url)
    await server.execute(f"create database {NAME}")
    url = urlunsplit(urlsplit(stack.database_url)._replace(path=f"/{NAME}"))
    connection = await asyncpg.connect(url)
    for name, sql in migrations():
        if name < FIRST_NEW:
            async with connection.transaction():
                await connection.execute(sql)
    yield connection
    await connection.close()
    await server.execute(f"drop database {NAME} with (force)")
    await server.close()


async def test_tenants_with_facts_are_marked_and_others_are_not(old: asyncpg.Connection) -> None:
    counted, new = Uuid7Maker().new(), Uuid7Maker().new()
    for tenant_id in (counted, new):
        await old.execute(
            "insert into app.tenants (tenant_id, slug, created_at) values ($1, $2, now())",
            tenant_id,
            f"t-{tenant_id.hex}",
        )
    await old.execute(
        "insert into report.facts select $1, gen_random_uuid(), 'empathy', 1, $2, $2, 'call',"
        " '2026-09-30', score from generate_series(1, 3) as score",
        counted,
        new,
    )
    await old.execute(
        "insert into report.rollups values ($1, $2, 'empathy', 'call', '2026-09-28', 3, 6, 14,"
        " array_fill(0, array[101]))",
        counted,
        new,
    )

    sql = dict(migrations())[FIRST_NEW]
    async with old.transaction():
        await old.execute(sql)

    marks = await old.fetch("select tenant_id, kind, subject from app.report_marks")
    assert [tuple(mark) for mark in marks] == [(counted, "tenant", None)]
    assert await old.fetchval("select count(*) from report.rollups") == 0
    assert await old.fetchval("select count(*) from report.facts") == 3
    assert [
        row["relname"]
        for row in await old.fetch(
            "select relname from pg_class where relname in ('facts', 'rollups', 'attempts',"
            " 'report_marks', 'rollup_versions') and relrowsecurity and relforcerowsecurity"
            " order by relname"
        )
    ] == ["attempts", "facts", "report_marks", "rollup_versions", "rollups"]
