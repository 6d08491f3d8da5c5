"""What is sealed, read back: one entry, a page of them, a whole chain, its head."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from shared.contracts.base import Record
from shared.db.pool import Connection, Database
from shared.db.sql import Queries
from shared.db.tx import system_tx, tenant_reads
from shared.trail.chain import Head, genesis
from shared.trail.entries import Actor, Entry, content

_SQL: Final = Queries("shared.trail")

PER_READ: Final = 2000
"""Entries of one statement: some hundred kilobytes."""


class Sealed(Record, frozen=True, kw_only=True):
    """An entry with its place in the chain."""

    entry: Entry
    about: UUID | None
    """In the operators' chain: the tenant whose matter it was."""
    entry_hash: bytes
    position: int
    hash: bytes

    @property
    def content(self) -> dict[str, Any]:
        """The entry as it was hashed."""
        return content(self.entry, about=self.about)


class StoredHead(Record, frozen=True, kw_only=True):
    """A head as it rests: with its signature and the time of its sealing."""

    head: Head
    sealed_at: datetime
    mac: bytes


class Filters(Record, frozen=True, kw_only=True):
    """Which entries somebody wants to see; None: all."""

    action: str | None = None
    """Itself, or what stands before its dot: `key` is `key.created` and all of its kind."""
    target: str | None = None
    actor_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Exclusive."""


async def find_head(connection: Connection, chain: UUID) -> StoredHead | None:
    """Return how far a chain is sealed; None: nothing ever was."""
    row = await connection.fetchrow(_SQL["find_head"], chain)
    if row is None:
        return None
    head = Head(chain, row["position"], row["hash"], row["pruned_position"], row["pruned_hash"])
    return StoredHead(head=head, sealed_at=row["sealed_at"], mac=row["mac"])


async def list_chains(database: Database) -> tuple[UUID, ...]:
    """Return every chain in which something is sealed, also where its head is gone."""
    async with system_tx(database) as connection:
        return tuple(row["tenant_id"] for row in await connection.fetch(_SQL["all_chains"]))


def empty_head(chain: UUID) -> Head:
    """Return the head of a chain in which nothing is sealed."""
    return Head(chain, 0, genesis(chain))


async def matching(
    connection: Connection, chain: UUID, filters: Filters, *, before: int, limit: int
) -> list[Sealed]:
    """Return the newest entries that fit, below position `before` (0: from the newest on)."""
    rows = await connection.fetch(
        _SQL["matching_entries"],
        chain,
        before,
        filters.action,
        filters.target,
        filters.actor_id,
        filters.since,
        filters.until,
        limit,
    )
    return [_sealed(chain, row) for row in rows]


async def whole(database: Database, chain: UUID, *, after: int = 0) -> AsyncIterator[Sealed]:
    """Yield a chain's entries in their order, some thousand per statement."""
    reads = tenant_reads(database)
    while True:
        rows = await reads.fetch(_SQL["sealed_entries"], chain, after, PER_READ)
        for row in rows:
            yield _sealed(chain, row)
        if len(rows) < PER_READ:
            return
        after = rows[-1]["position"]


def _sealed(chain: UUID, row: asyncpg.Record) -> Sealed:
    entry = Entry(
        tenant_id=chain,
        actor=Actor(kind=row["actor_kind"], id=row["actor_id"]),
        action=row["action"],
        target=row["target"],
        request_id=row["request_id"],
        at=row["at"],
        before=row["before_digest"],
        after=row["after_digest"],
        facts=msgspec.json.decode(row["facts"]),
    )
    return Sealed(
        entry=entry,
        about=row["about_tenant_id"],
        entry_hash=row["entry_hash"],
        position=row["position"],
        hash=row["hash"],
    )
