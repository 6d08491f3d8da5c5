"""The loop that keeps reporting level with the event feed: NATS hints, Postgres says what lacks.

What must be made anew as a whole (an upgrade, another time zone) is, beside the loop, so that one
tenant's rebuild holds up nobody else.
"""

import asyncio
from uuid import UUID

from services.reporting import repository
from services.reporting.folding import fold_page
from services.reporting.rebuild import rebuild
from shared.db.pool import Database
from shared.db.tx import system_tx
from shared.log import get_logger
from shared.tasks import end

log = get_logger()

SWEEP_S = 5.0
"""Seconds between two looks at all tenants: the longest a lost hint delays a trend."""


class Consumer:
    """Folds tenants one page at a time, in turn: a long backlog of one does not hold up others."""

    def __init__(self, database: Database, *, sweep_s: float = SWEEP_S) -> None:
        self._database = database
        self._sweep_s = sweep_s
        self._waiting: dict[UUID, None] = {}  # an ordered set
        self._next_sweep_s = 0.0  # on the event loop's clock; 0 = now
        self._wake = asyncio.Event()
        self._incomplete: asyncio.Queue[UUID] = asyncio.Queue()
        self._queued: set[UUID] = set()
        self._closing = False

    def hint(self, tenant_id: UUID) -> None:
        """Look at this tenant soon; hints that come together cost one look."""
        self._waiting[tenant_id] = None
        self._wake.set()

    def hint_all(self) -> None:
        """Look at every tenant soon, for example after a time without NATS."""
        self._next_sweep_s = 0.0
        self._wake.set()

    def close(self) -> None:
        """Let `run` return after the page in hand."""
        self._closing = True
        self._wake.set()

    async def run(self) -> None:
        """Work until `close`; failures are logged and tried again with the next sweep.

        A rebuild under way is undone at the end: the next process begins it again.
        """
        rebuilding = asyncio.create_task(self._rebuild_all())
        try:
            while not self._closing:
                if asyncio.get_running_loop().time() >= self._next_sweep_s:
                    await self._sweep()
                if self._waiting:
                    await self._fold_next()
                else:
                    await self._rest()
        finally:
            await end([rebuilding])

    async def _sweep(self) -> None:
        self._next_sweep_s = asyncio.get_running_loop().time() + self._sweep_s
        try:
            async with system_tx(self._database) as connection:
                unread = await repository.unread(connection)
        except Exception as error:
            log.warning("sweep.failed", error=type(error).__name__)
            return
        self._waiting |= dict.fromkeys(unread)

    async def _fold_next(self) -> None:
        tenant_id = next(iter(self._waiting))
        del self._waiting[tenant_id]
        try:
            folded = await fold_page(self._database, tenant_id)
        except Exception as error:
            log.warning("fold.failed", tenant_id=str(tenant_id), error=type(error).__name__)
            return
        if folded is None:
            return
        if folded.is_incomplete and tenant_id not in self._queued:
            self._queued.add(tenant_id)
            self._incomplete.put_nowait(tenant_id)
        if folded.has_more:
            self._waiting[tenant_id] = None

    async def _rebuild_all(self) -> None:
        while True:
            tenant_id = await self._incomplete.get()
            try:
                changed = await rebuild(self._database, tenant_id, is_needed=False)
            except Exception as error:
                log.warning("rebuild.failed", tenant_id=str(tenant_id), error=type(error).__name__)
            else:
                log.info("rebuild.done", tenant_id=str(tenant_id), rows=changed)
                self.hint(tenant_id)
            self._queued.discard(tenant_id)

    async def _rest(self) -> None:
        pause_s = self._next_sweep_s - asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(max(pause_s, 0)):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()
