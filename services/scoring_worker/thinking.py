"""The one thread that judges, and tenants who take turns at it.

A worker has a dozen conversations in hand, and judging one keeps a core for some hundredths of a
second. First come, first served would make a tenant with a single conversation wait for all that
another one has in hand; taking turns, it waits for one. Who gets how many conversations is decided
before, by weight (`shared/messaging/sharing.py`): this changes only their order.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from uuid import UUID

Work = TypeVar("Work")


class Thinker:
    """Of one process; a second thread would only share the interpreter with the first."""

    def __init__(self) -> None:
        # Judging is CPU work of up to seconds: on the event loop it would stop the leases' renewal.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="judge")
        self._is_busy = False
        self._waiting: OrderedDict[UUID, deque[asyncio.Future[None]]] = OrderedDict()
        """By tenant, the next one first."""

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
        """Let the next tenant's oldest work begin; who has more waits behind the others again."""
        while self._waiting:
            tenant_id, waiters = self._waiting.popitem(last=False)
            while waiters and waiters[0].done():
                del waiters[0]  # it gave up
            if waiters:
                waiters.popleft().set_result(None)
                self._waiting[tenant_id] = waiters
                return
        self._is_busy = False
