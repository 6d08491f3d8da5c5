"""Natural group commit: what comes while a statement runs goes together in the next one."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar
from uuid import UUID

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST: Final = 200
"""Items of one statement: keeps its locks short."""

Flush = Callable[[UUID, Sequence[Item]], Awaitable[Sequence[Result]]]
"""Does the items of one tenant together; returns a result for each, in their order."""


class Grouping(Generic[Item, Result]):
    """Runs one statement per tenant at a time; nobody waits for a timer.

    Alone, an item goes at once. What is given up while it runs is told to `orphaned` with its
    result; what is given up before is never run.
    """

    def __init__(
        self,
        flush: Flush[Item, Result],
        orphaned: Callable[[UUID, Item, Result], None] = lambda _tenant, _item, _result: None,
    ) -> None:
        self._flush = flush
        self._orphaned = orphaned
        self._waiting: dict[UUID, deque[tuple[Item, asyncio.Future[Result]]]] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def do(self, tenant_id: UUID, item: Item) -> Result:
        """Have an item done; raises what the statement raised."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        waiting = self._waiting.get(tenant_id)
        if waiting is None:
            self._waiting[tenant_id] = deque(((item, future),))
            task = loop.create_task(self._run(tenant_id))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        else:
            waiting.append((item, future))
        try:
            return await future
        except asyncio.CancelledError:
            # It was done, and given up before this task ran on.
            if future.done() and not future.cancelled() and future.exception() is None:
                self._orphaned(tenant_id, item, future.result())
            raise

    async def close(self) -> None:
        """Wait for what is under way."""
        while self._running:
            await asyncio.gather(*self._running, return_exceptions=True)

    async def _run(self, tenant_id: UUID) -> None:
        waiting = self._waiting[tenant_id]
        try:
            while waiting:
                group = [waiting.popleft() for _ in range(min(MOST, len(waiting)))]
                await self._run_group(tenant_id, [each for each in group if not each[1].done()])
        finally:
            del self._waiting[tenant_id]
            for _, future in waiting:
                future.cancel()

    async def _run_group(
        self, tenant_id: UUID, group: Sequence[tuple[Item, asyncio.Future[Result]]]
    ) -> None:
        if not group:
            return
        try:
            results = await self._flush(tenant_id, [item for item, _ in group])
        except Exception as error:
            for _, future in group:
                if not future.done():
                    future.set_exception(error)
            return
        for (item, future), result in zip(group, results, strict=True):
            if future.done():
                self._orphaned(tenant_id, item, result)
            else:
                future.set_result(result)
