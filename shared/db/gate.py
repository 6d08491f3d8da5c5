"""The start-up gate: no process takes work before the database has every migration it needs.

Migrate first, then roll the processes; in the wrong order the new ones wait. A database that is
ahead is fine: functions are numbered and columns only come, so an old process goes on in it.
"""

import asyncio
from typing import Final

import asyncpg

from shared.config import Settings
from shared.db import pool
from shared.db.pool import Database
from shared.db.schema import MIGRATIONS
from shared.log import get_logger

log = get_logger()

LOOK_S: Final = 0.5
"""Seconds between two looks at what has been applied."""

NAMED: Final = 3
"""Missing migrations that are named; of more only the number is told."""

_APPLIED = "select name from public.schema_migrations"


class SchemaBehindError(Exception):
    """The database lacks migrations that this process needs; the message is one clear line."""


class StoppedEarlyError(Exception):
    """The process was told to stop while it waited for the database: exit code 0, no message."""


async def connect(
    settings: Settings,
    service: str,
    *,
    stop: asyncio.Event,
    needs: tuple[str, ...] = MIGRATIONS,
) -> Database:
    """Open the process's pools once the schema is there; waits `schema_wait_s` seconds for it.

    Raises:
        SchemaBehindError: it was not there in time.
        StoppedEarlyError: the process was told to stop meanwhile.
        OSError, asyncpg.PostgresError: the server does not answer or refuses the login.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + settings.schema_wait_s
    is_told = False
    while True:
        database, missing = await _try(settings, service, needs)
        if database is not None:
            return database
        if clock() >= deadline:
            raise SchemaBehindError(_sentence(missing))
        if not is_told:
            log.warning("schema.behind", missing=len(missing))
            is_told = True
        try:
            async with asyncio.timeout(LOOK_S):
                await stop.wait()
        except TimeoutError:
            continue
        raise StoppedEarlyError


async def _try(
    settings: Settings, service: str, needs: tuple[str, ...]
) -> tuple[Database | None, tuple[str, ...]]:
    """Return the open pools, or None and what is missing."""
    try:
        database = await pool.connect(settings, service)
    except asyncpg.InvalidParameterValueError:  # there is not even the role: nothing was applied
        return None, needs
    missing = await _missing(database, needs)
    if not missing:
        return database, ()
    await database.close()
    return None, missing


async def _missing(database: Database, needs: tuple[str, ...]) -> tuple[str, ...]:
    try:
        async with database.app.acquire() as connection:
            rows = await connection.fetch(_APPLIED)
    except (asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedTableError):
        return needs  # older than the migration that lets services look
    applied = {row["name"] for row in rows}
    return tuple(name for name in needs if name not in applied)


def _sentence(missing: tuple[str, ...]) -> str:
    named = ", ".join(missing) if len(missing) <= NAMED else f"{len(missing)} of them"
    return f"the database lacks migrations ({named}): run `rapport migrate`"
