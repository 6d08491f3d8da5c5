"""When each key was last used: noted in memory, written for many keys together [R-C4]."""

import asyncio
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from shared.db.pool import Database
from shared.db.sql import Queries
from shared.db.tx import system_tx
from shared.log import get_logger

FLUSH_S: Final = 10.0
"""Seconds from the first note to the write."""

EXACT: Final = timedelta(minutes=1)
"""How exact the time is: at most one write per key in it, whatever the number of processes."""

REMEMBERED: Final = 10_000
"""Keys of which a process knows when it wrote last; the oldest goes first."""

_SQL = Queries("services.api")

log = get_logger()


class KeyUses:
    """Notes of one process. Without requests there is neither a timer nor a write."""

    def __init__(self, database: Database, *, flush_s: float = FLUSH_S) -> None:
        self._database = database
        self._flush_s = flush_s
        self._noted: dict[UUID, datetime] = {}
        self._written: dict[UUID, datetime] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._flushing: set[asyncio.Task[None]] = set()

    def note(self, key_id: UUID, now: datetime) -> None:
        """Note a use; costs two look-ups in memory."""
        written = self._written.get(key_id)
        if written is not None and now - written < EXACT:
            return
        self._noted[key_id] = now
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._flush_s, self._begin)

    async def flush(self) -> None:
        """Write what is noted. A database that does not answer loses a note, and no request."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        noted, self._noted = self._noted, {}
        if not noted:
            return
        try:
            async with system_tx(self._database) as connection:
                await connection.execute(_SQL["note_uses"], [*noted], [*noted.values()], EXACT)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("key_uses.lost", keys=len(noted), error=type(error).__name__)
            return
        for key_id, at in noted.items():
            self._written.pop(key_id, None)
            if len(self._written) >= REMEMBERED:
                self._written.pop(next(iter(self._written)))
            self._written[key_id] = at

    def _begin(self) -> None:
        self._timer = None
        task = asyncio.get_running_loop().create_task(self.flush())
        self._flushing.add(task)
        task.add_done_callback(self._flushing.discard)
