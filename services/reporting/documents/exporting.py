"""Files of all counted scores of a tenant: long work, in parts, with the memory of one part.

The row in `report.exports` is the truth: who has its lease writes it from the start, and whoever
comes after a crash begins anew. Its operation tells how far it is.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from services.reporting.documents.export_rows import Writer, fact_row, writer_of
from services.reporting.documents.pages import SQL
from shared.clock import Clock
from shared.db.keys import KeyRing
from shared.db.operations import add_operation_ended
from shared.db.pool import Connection, Database
from shared.db.tx import system_tx, tenant_tx
from shared.ids import IdMaker
from shared.log import get_logger
from shared.reports import EXPORT_PART, part_row

log = get_logger()

ROWS: Final = 2_000
"""Scores of one page: some milliseconds of work at a time, so that questions are not delayed."""

PART_BYTES: Final = 512 * 1024
"""A part is stored when this much is ready."""

LEASE: Final = timedelta(seconds=60)
"""A page and a part take far less; after a crash somebody else begins this much later."""

SWEEP_S: Final = 20.0
"""Seconds between two looks for files that nobody writes."""

MAX_STARTS: Final = 5
"""After so many crashes the operation fails visibly."""

KEPT: Final = timedelta(days=7)
"""How long a file can be fetched."""

_START: Final = UUID(int=0)


class Exporter:
    """Writes the files that were ordered, one at a time."""

    def __init__(
        self, database: Database, keys: KeyRing, clock: Clock, ids: IdMaker, *, rows: int = ROWS
    ) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self._ids = ids
        self._rows = rows
        self._waiting: dict[tuple[UUID, UUID], None] = {}  # an ordered set
        self._wake = asyncio.Event()

    def hint(self, tenant_id: UUID, operation_id: UUID) -> None:
        """Look at this file soon."""
        self._waiting[tenant_id, operation_id] = None
        self._wake.set()

    async def run(self) -> None:
        """Work until canceled; what fails is tried again by a later look."""
        while True:
            try:
                await self.sweep()
            except Exception as error:
                log.warning("exports.sweep_failed", error=type(error).__name__)
            await self._work_off()
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(SWEEP_S):
                    await self._wake.wait()
            await self._work_off()

    async def sweep(self) -> None:
        """Find files that nobody writes, and delete those whose time is over."""
        now = self._clock.now()
        async with system_tx(self._database) as connection:
            waiting = await connection.fetch(SQL["open_exports"], now)
            old = await connection.fetch(SQL["old_exports"], _first_id(now - KEPT))
        for row in old:
            async with tenant_tx(self._database, row["tenant_id"]) as connection:
                await connection.execute(SQL["drop_export"], row["tenant_id"], row["operation_id"])
        for row in waiting:
            self.hint(row["tenant_id"], row["operation_id"])

    async def write(self, tenant_id: UUID, operation_id: UUID) -> bool:
        """Write a file from its start; say whether it was there to be written, and is done.

        Raises:
            asyncpg.PostgresError, OSError: it stays open, and its lease runs out.
        """
        now = self._clock.now()
        async with tenant_tx(self._database, tenant_id) as connection:
            row = await connection.fetchrow(
                SQL["claim_export"], tenant_id, operation_id, now, now + LEASE
            )
            if row is None:
                return False
            await connection.execute(SQL["drop_parts"], tenant_id, operation_id)
            starts = row["starts"]
            if not row["is_wanted"] or starts > MAX_STARTS:
                await self._end(connection, tenant_id, operation_id, starts, "failed")
                return False
            hidden = await connection.fetch(SQL["hidden_skills"], tenant_id)
        draft = _Draft(tenant_id, operation_id, starts, frozenset(each["key"] for each in hidden))
        return await self._fill(draft, writer_of(row["format"]))

    async def _fill(self, draft: "_Draft", writer: Writer) -> bool:
        after: tuple[UUID, str] = (_START, "")
        while True:
            async with tenant_tx(self._database, draft.tenant_id) as connection:
                rows = await connection.fetch(
                    SQL["facts_after"], draft.tenant_id, *after, self._rows
                )
            if not rows:
                draft.ready += await asyncio.to_thread(writer.end)
                return await self._store(draft, is_last=True)
            after = (rows[-1]["scoring_id"], rows[-1]["skill"])
            draft.rows += len(rows)
            shown = [row for row in rows if row["skill"] not in draft.hidden]
            draft.ready += await asyncio.to_thread(_written, writer, shown)
            if len(draft.ready) >= PART_BYTES and not await self._store(draft, is_last=False):
                return False

    async def _store(self, draft: "_Draft", *, is_last: bool) -> bool:
        """Store what is ready and renew the lease; False: nobody wants it, or it is another's."""
        now = self._clock.now()
        content = bytes(draft.ready)
        draft.ready.clear()
        size = draft.size + len(content)
        async with tenant_tx(self._database, draft.tenant_id) as connection:
            kept = await connection.fetchval(
                SQL["keep_export"], *draft.key, draft.starts, draft.rows, size, now + LEASE
            )
            if kept is None:
                await self._end(connection, *draft.key, draft.starts, "failed")
                return False
            if content:
                tenant = await self._keys.tenant(connection, draft.tenant_id)
                row = part_row(draft.operation_id, draft.parts)
                sealed = tenant.seal(content, EXPORT_PART, row)
                await connection.execute(SQL["put_part"], *draft.key, draft.parts, sealed)
            if is_last:
                await self._end(connection, *draft.key, draft.starts, "succeeded")
        draft.size, draft.parts = size, draft.parts + (1 if content else 0)
        return True

    async def _end(
        self, connection: Connection, tenant_id: UUID, operation_id: UUID, starts: int, status: str
    ) -> None:
        now = self._clock.now()
        closed = await connection.execute(SQL["end_export"], tenant_id, operation_id, starts)
        if closed == "UPDATE 0":  # somebody else has it
            return
        ended = await connection.fetchval(
            SQL["end_operation"], tenant_id, operation_id, status, now
        )
        if ended is not None:
            await add_operation_ended(
                connection, tenant_id, self._ids.new(), operation_id, status, now
            )

    async def _work_off(self) -> None:
        while self._waiting:
            key = next(iter(self._waiting))
            del self._waiting[key]
            try:
                await self.write(*key)
            except Exception as error:
                log.warning(
                    "export.interrupted", operation_id=str(key[1]), error=type(error).__name__
                )


class _Draft:
    """A file that is being written."""

    def __init__(
        self, tenant_id: UUID, operation_id: UUID, starts: int, hidden: frozenset[str]
    ) -> None:
        self.tenant_id = tenant_id
        self.operation_id = operation_id
        self.starts = starts
        self.hidden = hidden
        self.ready = bytearray()
        self.rows = self.size = self.parts = 0

    @property
    def key(self) -> tuple[UUID, UUID]:
        """Of its row."""
        return self.tenant_id, self.operation_id


def _written(writer: Writer, rows: Sequence[asyncpg.Record]) -> bytes:
    return writer.add([fact_row(each) for each in rows])


def _first_id(at: datetime) -> UUID:
    """Return the smallest UUIDv7 of a moment."""
    return UUID(int=int(at.timestamp() * 1000) << 80)
