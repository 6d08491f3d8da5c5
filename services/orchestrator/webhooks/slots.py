"""How many requests are under way: in all, to failing endpoints, and to one endpoint."""

import asyncio
from collections import deque
from typing import Final
from uuid import UUID

FAILING_SHARE: Final = 4
"""Failing endpoints together get at most one slot in so many."""

FIRST_WINDOW: Final = 2
"""Requests at once to an endpoint that we know nothing of."""

WIDEST_WINDOW: Final = 16
"""Requests at once to an endpoint that answers well."""


class Slots:
    """A counted resource; whoever waits longest is served first."""

    def __init__(self, amount: int) -> None:
        self.free = amount
        self._waiters: deque[asyncio.Future[None]] = deque()

    async def take(self) -> None:
        """Take one, waiting for it."""
        if self.take_now():
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self.give()  # it was ours already
            raise

    def take_now(self) -> bool:
        """Take one if it is free and nobody waits; say whether."""
        if self.free > 0 and not self._waiters:
            self.free -= 1
            return True
        return False

    def give(self) -> None:
        """Give one back, or on to the first who waits."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self.free += 1


class Gate:
    """The slots of the process: failing endpoints never hold more than their share."""

    def __init__(self, amount: int) -> None:
        self._all = Slots(amount)
        self._failing = Slots(max(amount // FAILING_SHARE, 1))

    async def take(self, *, is_failing: bool) -> None:
        """Take a slot, waiting for it."""
        if not is_failing:
            await self._all.take()
            return
        await self._failing.take()
        try:
            await self._all.take()
        except asyncio.CancelledError:
            self._failing.give()
            raise

    def take_now(self) -> bool:
        """Take a slot for a healthy endpoint if one is free; say whether."""
        return self._all.take_now()

    def give(self, *, is_failing: bool) -> None:
        """Give a slot back, as it was taken."""
        self._all.give()
        if is_failing:
            self._failing.give()


class Lane:
    """What this process knows of one endpoint."""

    def __init__(self, tenant_id: UUID, endpoint_id: UUID, *, is_failing: bool) -> None:
        self.tenant_id = tenant_id
        self.endpoint_id = endpoint_id
        self.window = 1 if is_failing else FIRST_WINDOW
        self.in_flight = 0
        self.is_failing = is_failing
        self.is_hinted = False
        """Something may be due."""
        self.task: asyncio.Task[None] | None = None
        self.freed = asyncio.Event()

    async def wait_for_room(self) -> None:
        """Return when another request may go out."""
        while self.in_flight >= self.window:
            self.freed.clear()
            await self.freed.wait()

    def fail(self) -> None:
        """One at a time until the endpoint answers well again."""
        self.window = 1
        self.is_failing = True

    def succeed(self) -> None:
        """Trust grows with every good answer."""
        self.window = min(self.window * 2, WIDEST_WINDOW)
        self.is_failing = False

    def release(self) -> None:
        """A request is over."""
        self.in_flight -= 1
        self.freed.set()
