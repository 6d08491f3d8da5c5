"""Applies the SQL files of this folder, in name order, each once, each in its own transaction.

A session advisory lock keeps two runners apart. A recorded hash refuses a file that was edited
after it was applied: migrations only ever go forward.

While it runs, the product serves: who waits for a table lock makes everybody behind it wait as
well, so a file waits only a moment, is rolled back, and is tried again after a rest.
"""

import asyncio
from collections.abc import Callable
from hashlib import sha256
from importlib.resources import files
from typing import TypeAlias

import asyncpg

LOCK = 0x72617070
"""Advisory lock of the runner; any fixed number, ours spells `rapp`."""

LOOK_S = 0.5
"""Seconds between two looks whether another runner is done."""

LOCK_TIMEOUT_MS = 300
"""Milliseconds a migration stands before others in the queue for a lock."""

REST_S = 1.0
"""Seconds others have before it is tried again."""

TRIES = 60
"""Tries of one file until the runner gives up."""

STATEMENT_TIMEOUT_MS = 60_000
"""Milliseconds that one statement of a transaction may take with the locks that it holds."""

OUTSIDE = "-- outside a transaction"
"""First line of a file of statements that cannot be in a transaction (`create index concurrently`).

They are run one by one, so each must bear to be run again; each ends with a semicolon at the end of
its line.
"""

_BOOKKEEPING = """
create table if not exists public.schema_migrations (
  name text primary key, content_hash bytea not null, applied_at timestamptz not null default now()
)
"""

_Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class MigrationError(Exception):
    """A migration failed or an applied file was changed; the message names the file."""


def migrations() -> tuple[tuple[str, str], ...]:
    """Return (name, SQL) of every migration, in order."""
    folder = files("infra.migrations")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return tuple((name, folder.joinpath(name).read_text(encoding="utf-8")) for name in names)


async def migrate(
    connection: _Owner,
    *,
    progress: Callable[[str], None] = lambda _name: None,
    wanted: tuple[tuple[str, str], ...] | None = None,
) -> int:
    """Bring the database up to date; return how many migrations were applied.

    Args:
        connection: Of the schema's owner, who must be allowed to create roles.
        progress: Told the name of each that was applied.
        wanted: Names and SQL in order; by default all of this folder.

    Raises:
        MigrationError: a file failed (its transaction was rolled back), never got its locks, or was
            edited after it ran.
    """
    await _lock(connection)
    try:
        await connection.execute(_BOOKKEEPING)
        rows = await connection.fetch("select name, content_hash from public.schema_migrations")
        applied = {row["name"]: row["content_hash"] for row in rows}
        count = 0
        for name, sql in migrations() if wanted is None else wanted:
            digest = sha256(sql.encode()).digest()
            if name in applied:
                if applied[name] != digest:
                    raise MigrationError(f"{name} was changed after it was applied")
                continue
            await _apply(connection, name, sql, digest)
            progress(name)
            count += 1
        return count
    finally:
        await connection.execute("select pg_advisory_unlock($1)", LOCK)


async def _lock(connection: _Owner) -> None:
    """Take the runners' lock, however long another one has it.

    By asking again and again: a statement that waits for it is one that each `concurrently` of the
    other runner waits for in turn, and PostgreSQL ends one of them as a deadlock.
    """
    while True:
        if await connection.fetchval("select pg_try_advisory_lock($1)", LOCK):
            return
        await asyncio.sleep(LOOK_S)


async def _apply(connection: _Owner, name: str, sql: str, digest: bytes) -> None:
    for left in range(TRIES - 1, -1, -1):
        try:
            await _try(connection, name, sql, digest)
            return
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as error:
            if not left:
                raise MigrationError(
                    f"{name}: no lock in {TRIES} tries, the last: {error}"
                ) from error
        except asyncpg.PostgresError as error:
            raise MigrationError(f"{name}: {error}") from error
        await asyncio.sleep(REST_S)


async def _try(connection: _Owner, name: str, sql: str, digest: bytes) -> None:
    if sql.startswith(OUTSIDE):
        for statement in sql.removeprefix(OUTSIDE).split(";\n"):
            if statement.strip():
                await connection.execute(statement)
        await _note(connection, name, digest)
        return
    async with connection.transaction():
        await connection.execute(
            f"set local lock_timeout = {LOCK_TIMEOUT_MS};"
            f"set local statement_timeout = {STATEMENT_TIMEOUT_MS}"
        )
        await connection.execute(sql)
        await _note(connection, name, digest)


async def _note(connection: _Owner, name: str, digest: bytes) -> None:
    await connection.execute(
        "insert into public.schema_migrations (name, content_hash) values ($1, $2)", name, digest
    )
