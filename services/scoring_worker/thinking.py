"""The one thread that judges, and tenants who take turns at it.

A worker has a dozen conversations in hand, and judging one keeps a core for some hundredths of a
second. First come, first served would make a tenant with a single conversation wait for all that
another one has in hand; taking turns, it waits for one. Turns are shared by weight (start-time fair
queueing), as conversations are handed out (`shared/messaging/sharing.py`): else those of the
heaviest tenant would pile up here, until it were handed no more.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from uuid import UUID

Work = TypeVar("Work")

Weigh = Callable[[UUID], int | None]
"""Gives a tenant's weight, at least 1; None: not known."""


class Thinker:
    """Of one process; a second thread would only share the interpreter with the first."""

    def __init__(self, weigh: Weigh = lambda _: 1) -> None:
        # Judging is CPU work of up to seconds: on the event loop it would stop the leases' renewal.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="judge")
        self._weigh = weigh
        self._is_busy = False
        self._waiting: dict[UUID, deque[asyncio.Future[None]]] = {}
        self._now = 0.0
        """Virtual time: when the last turn was due."""
        self._due: dict[UUID, float] = {}
        """Virtual time of a tenant's next turn; for those not named, it is now."""

    async def think(self, tenant_id: UUID, work: Callable[[], Work]) -> Work:
        """Return what the work returns, or raise what it raises, when it was the tenant's turn."""
        await self._turn(tenant_id)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._pass_on()

    async def _turn(self, tenant_id: UUID) -> None:
        if not self._is_busy:
            self._is_busy = True
            self._charge(tenant_id)
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant_id, deque()).append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._pass_on()  # it was our turn: the next one's
            raise

    def _pass_on(self) -> None:
        """Let the oldest work of the tenant begin whose turn is due first."""
        while self._waiting:
            tenant_id = min(self._waiting, key=self._when)
            waiters = self._waiting[tenant_id]
            while waiters and waiters[0].done():
                del waiters[0]  # it gave up
            if not waiters:
                del self._waiting[tenant_id]
                continue
            waiters.popleft().set_result(None)
            if not waiters:
                del self._waiting[tenant_id]
            self._charge(tenant_id)
            return
        self._is_busy = False

    def _when(self, tenant_id: UUID) -> float:
        return max(self._due.get(tenant_id, 0.0), self._now)

    def _charge(self, tenant_id: UUID) -> None:
        self._now = self._when(tenant_id)
        self._due = {one: due for one, due in self._due.items() if due > self._now}
        self._due[tenant_id] = self._now + 1 / (self._weigh(tenant_id) or 1)
