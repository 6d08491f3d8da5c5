"""Applies the SQL files of this folder, in name order, each once, each in its own transaction.

A session advisory lock keeps two runners apart. A recorded hash refuses a file that was edited
after it was applied: migrations only ever go forward.
"""

from collections.abc import Callable
from hashlib import sha256
from importlib.resources import files

import asyncpg

LOCK = 0x72617070
"""Advisory lock of the runner; any fixed number, ours spells `rapp`."""

LOCK_TIMEOUT = "10s"
"""A migration gives up rather than block writers behind it."""

_BOOKKEEPING = """
create table if not exists public.schema_migrations (
  name text primary key, content_hash bytea not null, applied_at timestamptz not null default now()
)
"""


class MigrationError(Exception):
    """A migration failed or an applied file was changed; the message names the file."""


def migrations() -> tuple[tuple[str, str], ...]:
    """Return (name, SQL) of every migration, in order."""
    folder = files("infra.migrations")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return tuple((name, folder.joinpath(name).read_text(encoding="utf-8")) for name in names)


async def migrate(
    connection: "asyncpg.Connection[asyncpg.Record]",
    *,
    progress: Callable[[str], None] = lambda _name: None,
) -> int:
    """Bring the database up to date; return how many migrations were applied.

    `connection` belongs to the owner of the schema, who must be allowed to create roles.

    Raises:
        MigrationError: a file failed (its transaction was rolled back) or was edited after it ran.
    """
    await connection.execute("select pg_advisory_lock($1)", LOCK)
    try:
        await connection.execute(_BOOKKEEPING)
        rows = await connection.fetch("select name, content_hash from public.schema_migrations")
        applied = {row["name"]: row["content_hash"] for row in rows}
        count = 0
        for name, sql in migrations():
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


async def _apply(
    connection: "asyncpg.Connection[asyncpg.Record]", name: str, sql: str, digest: bytes
) -> None:
    try:
        async with connection.transaction():
            await connection.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
            await connection.execute(sql)
            await connection.execute(
                "insert into public.schema_migrations (name, content_hash) values ($1, $2)",
                name,
                digest,
            )
    except asyncpg.PostgresError as error:
        raise MigrationError(f"{name}: {error}") from error
