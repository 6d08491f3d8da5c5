"""A migration never makes those who work wait for long, whoever holds the table it wants."""

import asyncio
import time

import asyncpg
import pytest

from infra.migrations import migrate as runner
from infra.migrations.migrate import OUTSIDE, MigrationError, migrate
from tests.support.waiting import eventually

CHANGE = (("9990_change.sql", "alter table app.turns add column remark text;"),)

HELD_S = 2.5
"""Seconds that somebody holds the table: far longer than a migration stands in the queue."""

FELT_S = 1.5
"""Longest seconds that a reader may wait behind a migration, on a busy machine."""


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "REST_S", 0.2)


async def _longest_read(url: str, migration: "asyncio.Task[int]") -> float:
    """Read the table again and again until the migration is done; return the longest wait."""
    connection = await asyncpg.connect(url)
    longest = 0.0
    try:
        while not migration.done():
            started = time.monotonic()
            await connection.fetch("select 1 from app.turns limit 1")
            longest = max(longest, time.monotonic() - started)
            await asyncio.sleep(0.01)
    finally:
        await connection.close()
    return longest


async def _migrate_behind_a_reader(url: str, owner: asyncpg.Connection) -> float:
    holder = await asyncpg.connect(url)
    try:
        async with holder.transaction():
            await holder.fetch("select 1 from app.turns limit 1")
            migration = asyncio.create_task(migrate(owner, wanted=CHANGE))
            reading = asyncio.create_task(_longest_read(url, migration))
            await holder.execute(f"select pg_sleep({HELD_S})")
        assert await migration == 1
        return await reading
    finally:
        await holder.close()


async def test_readers_behind_a_waiting_migration_are_let_through(
    own_url: str, owner: asyncpg.Connection
) -> None:
    assert await _migrate_behind_a_reader(own_url, owner) < FELT_S
    assert await owner.fetchval("select count(remark) from app.turns") == 0


async def test_with_a_patient_migration_they_would_wait(
    own_url: str, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "LOCK_TIMEOUT_MS", 10_000)
    assert await _migrate_behind_a_reader(own_url, owner) > FELT_S


async def test_it_gives_up_in_the_end(
    own_url: str, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "TRIES", 3)
    monkeypatch.setattr(runner, "LOCK_TIMEOUT_MS", 20)
    holder = await asyncpg.connect(own_url)
    async with holder.transaction():
        await holder.execute("lock table app.turns in access share mode")
        with pytest.raises(MigrationError, match=r"9990_change.sql: no lock in 3 tries"):
            await migrate(owner, wanted=CHANGE)
    await holder.close()
    assert await migrate(owner, wanted=CHANGE) == 1


async def test_an_index_is_built_outside_a_transaction(owner: asyncpg.Connection) -> None:
    wanted = (
        (
            "9991_index.sql",
            (
                f"{OUTSIDE}\n-- Twice is once.\n"
                "create index concurrently if not exists turns_a on app.turns (tenant_id, seq);\n"
                "create index concurrently if not exists turns_b on app.turns (tenant_id, seq);\n"
            ),
        ),
    )
    assert await migrate(owner, wanted=wanted) == 1
    assert await migrate(owner, wanted=wanted) == 0
    valid = await owner.fetch(
        "select indisvalid from pg_index where indexrelid::regclass::text like '%turns_\\_'"
        " or indexrelid in ('app.turns_a'::regclass, 'app.turns_b'::regclass)"
    )
    assert [row["indisvalid"] for row in valid] == [True, True]


async def test_a_failed_file_leaves_nothing(owner: asyncpg.Connection) -> None:
    broken = (("9992_broken.sql", "create table app.half (a int); select nonsense;"),)
    with pytest.raises(MigrationError, match="9992_broken"):
        await migrate(owner, wanted=broken)
    assert await owner.fetchval("select to_regclass('app.half')") is None


async def _is_held(connection: asyncpg.Connection) -> bool:
    held = "select exists (select from pg_locks where locktype = 'advisory' and granted)"
    return bool(await connection.fetchval(held))


async def test_a_second_runner_waits_without_standing_in_the_way_of_an_index(
    own_url: str, owner: asyncpg.Connection
) -> None:
    index = "create index concurrently turns_c on app.turns (tenant_id, seq);"
    wanted = (
        ("9993_slow.sql", "select pg_sleep(1);"),
        ("9994_index.sql", f"{OUTSIDE}\n{index}\n"),
    )
    late = await asyncpg.connect(own_url)
    try:
        first = asyncio.create_task(migrate(owner, wanted=wanted))
        await eventually(lambda: _is_held(late))
        second = asyncio.create_task(migrate(late, wanted=wanted))
        assert await asyncio.gather(first, second) == [2, 0]
        assert await late.fetchval(
            "select indisvalid from pg_index where indexrelid = 'app.turns_c'::regclass"
        )
    finally:
        await late.close()
