"""The only two ways to the database: inside one tenant, or as the system role."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, Final, cast
from uuid import UUID

import asyncpg

from shared.db.pool import Connection, Database, Pool
from shared.telemetry import catalog, trace

SNAPSHOT_PAUSE: Final = "5min"
"""Longest pause in a snapshot, while what was read is packed and stored: minutes on a slow disk."""


@asynccontextmanager
async def tenant_tx(
    database: Database, tenant_id: UUID, *, is_hot: bool = False
) -> AsyncIterator[Connection]:
    """Open a transaction that sees and writes one tenant's rows only; commit at the end.

    Row-level security reads the tenant from a setting that is local to the transaction, so the
    connection carries nothing over to its next user. Never hold one across a network call.

    Args:
        database: The process's pools.
        tenant_id: Whose rows.
        is_hot: The statements are planned once per connection and not for each call: half the cost
            of a small statement, but wrong for lists with optional filters.
    """
    # One round trip for both; a UUID prints only hex and dashes, so it cannot break out of the
    # literal.
    begin = f"begin; select set_config('app.tenant_id', '{tenant_id}', true)"
    if parent := trace.kept():  # likewise: two numbers as hex
        begin += f", set_config('app.trace', '{parent}', true)"
    if is_hot:
        begin += "; set local plan_cache_mode = force_generic_plan"
    async with _transaction(database.app, begin) as connection:
        yield connection


@asynccontextmanager
async def tenant_snapshot(database: Database, tenant_id: UUID) -> AsyncIterator[Connection]:
    """Open a transaction that sees one tenant as it stands now, however long reading it takes.

    It writes nothing. It keeps the database from cleaning up behind others, so it is for work that
    must be whole, like a tenant's export. Between two statements it may pause for `SNAPSHOT_PAUSE`.
    """
    begin = (
        "begin isolation level repeatable read read only;"
        f" set local idle_in_transaction_session_timeout = '{SNAPSHOT_PAUSE}';"
        f" select set_config('app.tenant_id', '{tenant_id}', true)"
    )
    async with _transaction(database.app, begin) as connection:
        yield connection


@asynccontextmanager
async def system_tx(database: Database) -> AsyncIterator[Connection]:
    """Open a transaction as `rapport_system`: keys, jobs, event headers across tenants; never
    text.
    """
    async with _transaction(await database.system(), "begin") as connection:
        yield connection


@asynccontextmanager
async def _transaction(pool: Pool, begin: str) -> AsyncIterator[Connection]:
    async with pool.acquire() as connection:
        try:
            await connection.execute(begin)
            yield connection
            await connection.execute("commit")
        except BaseException as error:
            _count_denied(error)
            await _roll_back(connection)
            raise


@asynccontextmanager
async def _alone(pool: Pool) -> AsyncIterator[Connection]:
    """Lend a connection for one statement that is a transaction of its own."""
    async with pool.acquire() as connection:
        try:
            yield connection
        except asyncpg.PostgresError as error:
            _count_denied(error)
            raise


def _count_denied(error: BaseException) -> None:
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        catalog.RLS_DENIED.add()


async def _roll_back(connection: Connection) -> None:
    """End the transaction even while the task is being cancelled; a connection that cannot is
    dropped.
    """
    try:
        await asyncio.shield(connection.execute("rollback", timeout=2))
    except BaseException:
        connection.terminate()


TENANT_FIRST = (
    "with tenant as materialized (select set_config('app.tenant_id', $1::uuid::text, true))"
)
"""How an insert for `tenant_once` begins: it sets its own tenant before its first row."""

TENANT_FUNCTION = "select * from app."
"""How a call for `tenant_once` begins: a function of the migrations that sets its own tenant."""


async def tenant_once(
    database: Database,
    tenant_id: UUID,
    statement: str,
    *arguments: object,
    writes_events: bool = False,
) -> list[asyncpg.Record]:
    """Run one statement as a whole tenant transaction in a single round trip; return its rows.

    `tenant_tx` takes two more round trips; this is for the hot path. The setting is local to the
    statement's own transaction. Either an insert that begins with `TENANT_FIRST` (inserts only: the
    check of a new row comes after the common table expression, while a read's policy is evaluated
    before it and would see no tenant, hence no rows), or a call of a tenant function.

    Args:
        database: The process's pools.
        tenant_id: `$1` of the statement.
        statement: Sets its tenant itself.
        arguments: `$2` and on.
        writes_events: Its events shall know the trace they belong to.

    Raises:
        ValueError: the statement does not set its tenant.
    """
    if not statement.startswith((TENANT_FIRST, TENANT_FUNCTION)):
        raise ValueError("the statement does not set its tenant")
    if writes_events and trace.is_on():  # always the same text: a connection prepares it once
        statement = _traced(statement, len(arguments) + 2)
        arguments = (*arguments, trace.kept())
    async with _alone(database.app) as connection:
        return await connection.fetch(statement, tenant_id, *arguments)


_READ = """with tenant as materialized (
select set_config('app.tenant_id', $1::uuid::text, true) as id)
select answer.* from tenant cross join lateral (
select asked.* from (
{statement}
) as asked where tenant.id <> '' offset 0) as answer"""
"""Sets the tenant before the statement inside reads its first row: what is lateral to the first
part, and fenced by its offset, can only run inside its loop. Were that ever otherwise, row-level
security would see no tenant, and there would be no rows.
"""


_TRACED = """with trace as materialized (
select set_config('app.trace', ${number}::text, true) as id)
select answer.* from trace cross join lateral (
select asked.* from (
{statement}
) as asked where trace.id is not null offset 0) as answer"""
"""Says to which trace the events belong that a function of the tenant writes; as `_READ`."""


@cache
def _traced(statement: str, number: int) -> str:
    if statement.startswith(TENANT_FIRST):
        setting = f", set_config('app.trace', ${number}::text, true))"
        return TENANT_FIRST.removesuffix(")") + setting + statement.removeprefix(TENANT_FIRST)
    return _TRACED.format(statement=statement, number=number)


@cache
def _reading(statement: str) -> str:
    return _READ.format(statement=statement)


class _Reader:
    """The reading methods of a connection; each call is a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._pool = database.app

    async def fetch(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        async with _alone(self._pool) as connection:
            return await connection.fetch(_reading(statement), *arguments)

    async def fetchrow(self, statement: str, *arguments: object) -> asyncpg.Record | None:
        async with _alone(self._pool) as connection:
            return await connection.fetchrow(_reading(statement), *arguments)

    async def fetchval(self, statement: str, *arguments: object) -> Any:
        async with _alone(self._pool) as connection:
            return await connection.fetchval(_reading(statement), *arguments)


def tenant_reads(database: Database) -> Connection:
    """Return what reads like a connection: each select is a tenant transaction in one round trip.

    `tenant_tx` takes two more. For reads that need one statement: two would be two snapshots. It
    has `fetch`, `fetchrow` and `fetchval` and nothing else. `$1` is the tenant, as everywhere, and
    the statement must be a plain select, which is run inside another one.
    """
    return cast("Connection", _Reader(database))
