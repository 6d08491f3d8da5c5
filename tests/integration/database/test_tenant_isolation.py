"""No task ever sees another tenant's rows, whatever is cancelled or fails around it. [R-C2]"""

import asyncio
import random
from contextlib import suppress
from uuid import UUID

import asyncpg
import msgspec
import pytest

from shared.config import Settings
from shared.db import pool
from shared.db.pool import Database
from shared.db.tx import system_tx, tenant_tx
from tests.support.tenants import Tenant, TenantFactory

TENANT_TABLES = (
    "select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace"
    " where n.nspname in ('app', 'report') and c.relkind = 'r'"
    " and has_table_privilege('rapport_app', c.oid, 'select') and exists (select from pg_attribute a"
    " where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped)"
)


@pytest.fixture(scope="module")
async def five(tenants: TenantFactory) -> list[Tenant]:
    return [await tenants.new() for _ in range(5)]


@pytest.fixture
async def small(settings: Settings):
    """Three connections, so that tasks must share and reuse them."""
    opened = await pool.connect(msgspec.structs.replace(settings, database_pool=3), "test")
    yield opened
    await opened.close()


class TestInterleaving:
    @pytest.mark.parametrize("seed", range(3))
    async def test_200_tasks_on_three_connections(
        self, small: Database, five: list[Tenant], seed: int
    ) -> None:
        chance = random.Random(seed)
        seen: list[tuple[UUID, set[UUID]]] = []

        async def task(tenant: Tenant, trouble: str) -> None:
            async with tenant_tx(small, tenant.tenant_id) as connection:
                rows = await connection.fetch("select tenant_id from scenarios")
                seen.append((tenant.tenant_id, {row["tenant_id"] for row in rows}))
                if trouble == "sql":
                    await connection.execute("select 1 / 0")
                if trouble == "python":
                    raise RuntimeError
                if trouble == "cancel":
                    await connection.execute("select pg_sleep(5)")
                rows = await connection.fetch("select tenant_id from rubrics")
                seen.append((tenant.tenant_id, {row["tenant_id"] for row in rows}))

        jobs = []
        for _ in range(200):
            trouble = chance.choice(["none", "none", "sql", "python", "cancel"])
            job = asyncio.create_task(task(chance.choice(five), trouble))
            if trouble == "cancel":
                asyncio.get_running_loop().call_later(chance.random() * 0.3, job.cancel)
            jobs.append(job)
        results = await asyncio.gather(*jobs, return_exceptions=True)
        allowed = (type(None), RuntimeError, asyncpg.DivisionByZeroError, asyncio.CancelledError)
        assert all(result is None or isinstance(result, allowed) for result in results), results
        assert len(seen) > 150
        assert all(rows == {tenant} for tenant, rows in seen)


class TestBorders:
    async def test_without_a_tenant_there_are_no_rows(
        self, database: Database, five: list[Tenant]
    ) -> None:
        async with database.app.acquire() as connection:
            for row in await connection.fetch(TENANT_TABLES):
                assert await connection.fetch(f"select 1 from {row['name']} limit 1") == [], row[
                    "name"
                ]

    async def test_no_table_shows_a_foreign_row(
        self, database: Database, five: list[Tenant]
    ) -> None:
        one = five[0]
        async with tenant_tx(database, one.tenant_id) as connection:
            for row in await connection.fetch(TENANT_TABLES):
                foreign = await connection.fetchval(
                    f"select count(*) from {row['name']} where tenant_id <> $1", one.tenant_id
                )
                assert foreign == 0, row["name"]

    async def test_a_foreign_row_cannot_be_written(
        self, database: Database, five: list[Tenant]
    ) -> None:
        one, other = five[:2]
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with tenant_tx(database, one.tenant_id) as connection:
                await connection.execute(
                    "insert into consumer_positions values ($1, 'leak', 1)", other.tenant_id
                )

    async def test_the_system_role_cannot_read_text(self, database: Database) -> None:
        for statement in (
            "select text from turns",
            "select name from learners",
            "select data from events",
            "select result from assessments",
            "select spec from scenario_versions",
            "select url from webhook_endpoints",
            "select body from webhook_deliveries",
            "select secret from webhook_secrets",
            "select response from webhook_attempts",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with system_tx(database) as connection:
                    await connection.fetch(statement)

    async def test_a_connection_comes_back_clean_after_a_cancel(
        self, small: Database, five: list[Tenant]
    ) -> None:
        async def stuck() -> None:
            async with tenant_tx(small, five[0].tenant_id) as connection:
                await connection.execute("select pg_sleep(5)")

        for _ in range(6):
            job = asyncio.create_task(stuck())
            await asyncio.sleep(0)
            await asyncio.sleep(0.02)
            job.cancel()
            with suppress(asyncio.CancelledError):
                await job
        async with small.app.acquire() as connection:
            assert await connection.fetchval("select current_setting('app.tenant_id', true)") in {
                "",
                None,
            }
