"""How fast each tenant's queues are worked off: what tells a refused client when to come back."""

import asyncio
from collections import Counter
from typing import Final
from uuid import UUID

from shared.clock import Clock
from shared.contracts.jobs import JobKind
from shared.db.pool import Database
from shared.db.tx import system_tx
from shared.log import get_logger
from shared.tenancy.book import SQL, TROUBLE

log = get_logger()

FLUSH_S: Final = 10.0
"""Seconds between two additions to the database; in between counting costs a look-up in memory."""

MAX_CELLS: Final = 20_000
"""Tenants times lanes held while the database is away; more than that is not counted."""


class Drains:
    """Counts the jobs of a process that ended; nothing here knows tenants that did nothing."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._done: Counter[tuple[UUID, str]] = Counter()

    def note(self, tenant_id: UUID, kind: JobKind) -> None:
        """Count a job that ended."""
        if len(self._done) < MAX_CELLS or (tenant_id, kind.value) in self._done:
            self._done[tenant_id, kind.value] += 1

    async def run(self) -> None:
        """Add the counts to the database now and then; ends only by cancellation."""
        while True:
            await asyncio.sleep(FLUSH_S)
            await self.flush()

    async def flush(self) -> None:
        """Add what was counted, in one statement; without the database it is kept for later."""
        if not self._done:
            return
        # In one order everywhere: two processes that add to the same rows never wait in a circle.
        taken, self._done = sorted(self._done.items()), Counter()
        try:
            async with system_tx(self._database) as connection:
                await connection.execute(
                    SQL["add_drains"],
                    [tenant_id for (tenant_id, _), _ in taken],
                    [kind for (_, kind), _ in taken],
                    [done for _, done in taken],
                    self._clock.now(),
                )
        except TROUBLE as error:
            log.warning("drains.not_stored", error=type(error).__name__)
            self._done.update(dict(taken))
