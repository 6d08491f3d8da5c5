"""Interactive work first, where both kinds run in one process.

While somebody waits for a reply, few background jobs go on at a time: each of their steps keeps the
event loop for some milliseconds, and dozens of them in a row would be heard as a pause.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

AT_ONCE: Final = 4
"""Background steps at once while interactive work is in hand; none would starve the background."""


class Precedence:
    """Of one process."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._at_once = at_once
        self._in_hand = 0
        self._passing = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @contextmanager
    def interactive(self) -> Iterator[None]:
        """Hold the background back while the block runs."""
        self._in_hand += 1
        try:
            yield
        finally:
            self._in_hand -= 1
            if not self._in_hand:
                self._wake(len(self._waiting))

    @asynccontextmanager
    async def background(self) -> AsyncIterator["Passage"]:
        """Run a background job whose steps begin with `Passage.step`."""
        passage = Passage(self)
        try:
            yield passage
        finally:
            passage.leave()

    async def enter(self) -> None:
        """Wait until one more background step may begin."""
        while self._in_hand and self._passing >= self._at_once:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                if waiter.done() and not waiter.cancelled():
                    self._wake(1)  # it was our turn: the next one's
                raise
        self._passing += 1

    def leave(self) -> None:
        """End a background step."""
        self._passing -= 1
        self._wake(1)

    def _wake(self, count: int) -> None:
        while count > 0 and self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                count -= 1


class Passage:
    """A background job's way past the interactive ones."""

    def __init__(self, precedence: Precedence) -> None:
        self._precedence = precedence
        self._is_inside = False

    async def step(self) -> None:
        """Begin the next step, when it may."""
        self.leave()
        await self._precedence.enter()
        self._is_inside = True

    def leave(self) -> None:
        """End the step that runs, if one does."""
        if self._is_inside:
            self._is_inside = False
            self._precedence.leave()
