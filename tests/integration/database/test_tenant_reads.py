"""Reads in one round trip see one tenant, and connections come back whatever happens."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import asyncpg
import pytest

from shared.db.pool import Database
from shared.db.tx import TENANT_FIRST, tenant_once, tenant_reads, tenant_tx
from shared.telemetry import metrics
from tests.support.tenants import Tenant, TenantFactory

EVERY = "select tenant_id, slug from scenarios where $1::uuid is not null order by slug desc"
"""Names no tenant: only row-level security keeps the others out."""


@pytest.fixture(scope="module")
async def two(tenants: TenantFactory) -> tuple[Tenant, Tenant]:
    return await tenants.new(), await tenants.new()


async def test_one_tenant_is_seen(database: Database, two: tuple[Tenant, Tenant]) -> None:
    reads = tenant_reads(database)
    for tenant in (*two, *two):
        rows = await reads.fetch(EVERY, tenant.tenant_id)
        assert len(rows) > 20
        assert {row["tenant_id"] for row in rows} == {tenant.tenant_id}
        slugs = [row["slug"] for row in rows]
        assert slugs == sorted(slugs, reverse=True)


async def test_it_reads_like_a_transaction(database: Database, two: tuple[Tenant, Tenant]) -> None:
    tenant_id = two[0].tenant_id
    statement = "select slug, title from scenarios s join scenario_versions v using (tenant_id, scenario_id)"
    statement += (
        " where s.tenant_id = $1 and exists (select from rubrics) order by slug, version limit 5"
    )
    async with tenant_tx(database, tenant_id) as connection:
        expected = await connection.fetch(statement, tenant_id)
    reads = tenant_reads(database)

    assert await reads.fetch(statement, tenant_id) == expected
    assert await reads.fetchrow(statement, tenant_id) == expected[0]
    assert await reads.fetchval(statement, tenant_id) == expected[0]["slug"]


async def test_the_tenant_is_gone_afterwards(
    database: Database, two: tuple[Tenant, Tenant]
) -> None:
    await asyncio.gather(
        *(tenant_reads(database).fetch(EVERY, each.tenant_id) for each in two * 10)
    )
    connections = [await database.app.acquire() for _ in range(3)]
    try:
        for connection in connections:
            assert await connection.fetchval("select count(*) from scenarios") == 0
    finally:
        for connection in connections:
            await database.app.release(connection)


async def test_nothing_can_be_written(database: Database, two: tuple[Tenant, Tenant]) -> None:
    reads = tenant_reads(database)
    with pytest.raises(asyncpg.PostgresSyntaxError):
        await reads.fetch("delete from teams where tenant_id = $1", two[0].tenant_id)
    assert not hasattr(reads, "execute")


async def test_canceled_reads_leave_the_pool_whole(
    database: Database, two: tuple[Tenant, Tenant]
) -> None:
    slow = "select pg_sleep(30)::text where $1::uuid is not null"
    tenant_id = two[0].tenant_id
    for pause in (0, 0, 0.001, 0.01, 0.05):
        tasks = [
            asyncio.create_task(tenant_reads(database).fetch(slow, tenant_id)) for _ in range(20)
        ]
        await asyncio.sleep(pause)
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
    async with asyncio.timeout(20):
        rows = await asyncio.gather(
            *(tenant_reads(database).fetch(EVERY, tenant_id) for _ in range(30))
        )
    assert {len(each) for each in rows} == {len(rows[0])}


async def test_a_broken_transaction_comes_back_clean(
    database: Database, two: tuple[Tenant, Tenant]
) -> None:
    for _ in range(15):
        with pytest.raises(asyncpg.DivisionByZeroError):
            async with tenant_tx(database, two[0].tenant_id) as connection:
                await connection.execute("select 1 / 0")
    assert await tenant_reads(database).fetch(EVERY, two[0].tenant_id)


async def test_what_is_refused_for_its_rights_is_counted(
    database: Database, two: tuple[Tenant, Tenant]
) -> None:
    """In every way to the database: the alert on the first one must not miss any."""
    own, other = (each.tenant_id for each in two)
    columns = "(tenant_id, month, spent_microusd, reserved_microusd, in_flight)"
    foreign = f"insert into llm_months {columns} select $2, '2026-01-01', 0, 0, 0 from tenant"
    keys = "select * from installation_keys where $1::uuid is not null"
    reads = tenant_reads(database)

    async def in_a_transaction() -> None:
        async with tenant_tx(database, own) as connection:
            await connection.fetch(keys, own)

    metrics.begin(with_process=False)
    try:
        attempts: list[Callable[[], Awaitable[object]]] = [
            in_a_transaction,
            partial(tenant_once, database, own, f"{TENANT_FIRST} {foreign}", other),
            partial(reads.fetch, keys, own),
            partial(reads.fetchrow, keys, own),
            partial(reads.fetchval, keys, own),
        ]
        for number, attempt in enumerate(attempts, start=1):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await attempt()
            assert f"\nrls_denied_total {number}.0\n" in metrics.exposition().decode()
        with pytest.raises(asyncpg.DivisionByZeroError):
            await reads.fetch("select 1 / 0 where $1::uuid is not null", own)
        assert "\nrls_denied_total 5.0\n" in metrics.exposition().decode()
    finally:
        metrics.end()
