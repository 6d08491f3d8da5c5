"""Long work on somebody's data: rows under leases, in bounded transactions, that survive a crash.

The row in `privacy_tasks` is the truth. Whoever has its lease works; a worker that lost it finds
that out with its next transaction, which then changes nothing.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

import msgspec

from shared.clock import Clock
from shared.db.keys import KeyRing
from shared.db.operations import add_operation_ended
from shared.db.pool import Connection, Database
from shared.db.sealed import RandomBytes
from shared.db.sql import Queries
from shared.db.tx import system_tx, tenant_tx
from shared.ids import IdMaker

SQL: Final = Queries("shared.privacy")

LEASE: Final = timedelta(seconds=20)
"""Longer than any one statement may take; after a crash somebody else goes on this much later."""

BATCH: Final = 500
"""Rows that one transaction changes."""

MAX_STARTS: Final = 20
"""After so many crashes an export fails visibly; an erasure never gives up."""

Kind = Literal["learner_erasure", "learner_export", "tenant_export", "key_rotation", "offboarding"]


class TaskLostError(Exception):
    """Another worker has the task now, or it has ended."""


class Workshop(msgspec.Struct, frozen=True, kw_only=True):
    """What the work needs of its process."""

    database: Database
    keys: KeyRing
    clock: Clock
    ids: IdMaker
    random: RandomBytes
    receipt_key: bytes
    """32 bytes that sign receipts; see `shared.privacy.receipts`."""
    batch: int = BATCH


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A task in hand."""

    tenant_id: UUID
    operation_id: UUID
    kind: Kind
    learner_id: UUID | None
    stage: str
    """Where the one before came to."""
    starts: int
    created_at: datetime


async def insert_task(
    connection: Connection,
    tenant_id: UUID,
    operation_id: UUID,
    kind: Kind,
    *,
    now: datetime,
    learner_id: UUID | None = None,
    not_before: datetime | None = None,
    expires_at: datetime | None = None,
) -> bool:
    """Write a task; False: what it asks for is asked for already."""
    row = (operation_id, kind, learner_id, not_before or now, now, expires_at)
    return await connection.fetchval(SQL["insert_task"], tenant_id, *row) is not None


async def due(shop: Workshop, kinds: Iterable[Kind]) -> list[tuple[UUID, UUID]]:
    """Return tasks of these kinds that nobody has in hand: tenant and operation."""
    async with system_tx(shop.database) as connection:
        rows = await connection.fetch(SQL["due_tasks"], shop.clock.now(), list(kinds))
    return [(row["tenant_id"], row["operation_id"]) for row in rows]


async def claim(shop: Workshop, tenant_id: UUID, operation_id: UUID) -> Task | None:
    """Take a task; None: it is done, or in other hands."""
    now = shop.clock.now()
    async with tenant_tx(shop.database, tenant_id) as connection:
        row = await connection.fetchrow(
            SQL["claim_task"], tenant_id, operation_id, now, now + LEASE
        )
        if row is None:
            return None
        await connection.execute(SQL["begin_operation"], tenant_id, operation_id, now)
    return Task(tenant_id=tenant_id, operation_id=operation_id, **dict(row))


async def keep(
    connection: Connection, shop: Workshop, task: Task, stage: str, store: str, rows: int
) -> None:
    """Note in the transaction of the work how far it is, and renew the lease.

    Raises:
        TaskLostError: another worker has it; the caller's transaction must not commit.
    """
    until = shop.clock.now() + LEASE
    kept = await connection.fetchval(
        SQL["keep_task"],
        task.tenant_id,
        task.operation_id,
        task.starts,
        until,
        stage,
        store,
        rows,
    )
    if kept is None:
        raise TaskLostError


async def counted(connection: Connection, task: Task) -> dict[str, int]:
    """Return the rows by store so far, by name of the store."""
    text = await connection.fetchval(SQL["counts"], task.tenant_id, task.operation_id)
    return dict(sorted(msgspec.json.decode(text, type=dict[str, int]).items()))


async def end(
    connection: Connection,
    shop: Workshop,
    task: Task,
    status: Literal["succeeded", "failed"],
    *,
    receipt: tuple[str, str] | None = None,
    size_bytes: int = 0,
) -> None:
    """End a task, and its operation with an event.

    Raises:
        TaskLostError: another worker has it; the caller's transaction must not commit.
    """
    now = shop.clock.now()
    words = receipt or (None, None)
    row = (task.operation_id, task.starts, now, *words, size_bytes)
    if await connection.fetchval(SQL["end_task"], task.tenant_id, *row) is None:
        raise TaskLostError
    ended = await connection.fetchval(
        SQL["end_operation"], task.tenant_id, task.operation_id, status, now
    )
    if ended is not None:
        await add_operation_ended(
            connection, task.tenant_id, shop.ids.new(), task.operation_id, status, now
        )


async def forget_files(shop: Workshop) -> None:
    """Delete the files whose time is over."""
    async with system_tx(shop.database) as connection:
        rows = await connection.fetch(SQL["old_files"], shop.clock.now())
    for row in rows:
        async with tenant_tx(shop.database, row["tenant_id"]) as connection:
            await connection.execute(SQL["forget_file"], row["tenant_id"], row["operation_id"])


def changed(status: str) -> int:
    """Return the rows of a command's status, for example of `DELETE 12`."""
    return int(status.rpartition(" ")[2])
