"""Refusing requests while those in hand wait too long: what is answered then is answered in time.

A process admits so many requests at once. The number follows what waiting was measured, never how
long an answer took: a slow model is no overload. It shrinks by a tenth while things wait longer
than they should, and grows again step by step (additive increase, multiplicative decrease, as TCP
does). What is refused was not looked at and cost next to nothing. [R-A12]
"""

import asyncio
import contextlib
import os
import statistics
import time
from collections.abc import Callable
from typing import Final, Literal

import asyncpg
from litestar.types import ASGIApp, Receive, Scope, Send

from services.api.problems import send_error
from services.api.waiting import has_preference
from shared.db.pool import Database
from shared.errors import UnavailableError
from shared.health.lag import LoopLag
from shared.tasks import end
from shared.telemetry import catalog

TARGET_S: Final = 0.7
"""Seconds that something may wait in a queue: of the event loop, for a connection, for a worker.
More would not be more answers: all that waits is touched again and again, and a job that no worker
took for `RAPPORT_JOB_FIRST_RETRY_S` is published a second time."""

LEAST: Final = 150
"""A process always admits so many at once: fewer are no overload, whatever was measured."""

MOST: Final = 4000
FIRST: Final = 1000

WINDOW_S: Final = 0.2
"""Measured waits are looked at so often."""

SHRINK: Final = 0.9
GROWTH: Final = 8
"""Requests more per window, while at least half of what is admitted is used."""

SHARES: Final = {"turn": 1.0, "read": 0.85, "work": 0.7}
"""How much of the admitted number each class may fill: a waiting learner is refused last, and what
waits in a queue anyway first."""

RETRY_S: Final = 1
SPREAD_S: Final = 3
"""Up to so many seconds are added to `Retry-After`, so that clients do not return together."""

PROBE_S: Final = 0.05

FREE: Final = ("/livez", "/readyz", "/ops/", "/docs", "/openapi", "/problems")
"""Beginnings of paths that are never refused: who watches an overload must see it."""


Queue = Literal["loop", "connections", "worker"]
"""Where something waits."""


class Shedder:
    """Decides how many requests may be in hand."""

    def __init__(
        self,
        random: Callable[[int], bytes] = os.urandom,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`now` gives monotonic seconds."""
        self._random = random
        self._now = now
        self._limit = float(FIRST)
        self._in_hand = 0
        self._waits: dict[Queue, list[float]] = {}
        self._looked_at = now()

    @property
    def limit(self) -> int:
        """Requests that are admitted at once."""
        return int(self._limit)

    def note(self, queue: Queue, waited_s: float) -> None:
        """Take a measured wait in a queue, in seconds."""
        self._waits.setdefault(queue, []).append(waited_s)
        now = self._now()
        if now - self._looked_at >= WINDOW_S:
            self._looked_at = now
            # The slowest of the queues is the one that counts.
            self._adjust(max(map(statistics.median, self._waits.values())))
            self._waits.clear()

    def enter(self, kind: str) -> UnavailableError | None:
        """Admit a request of a class, or return its refusal; who is admitted must `leave`."""
        if self._in_hand >= max(LEAST, self._limit * SHARES[kind]):
            wait_s = RETRY_S + self._random(1)[0] % (SPREAD_S + 1)
            return UnavailableError("More is asked than can be answered", retry_after_s=wait_s)
        self._in_hand += 1
        return None

    def leave(self) -> None:
        """End what was admitted."""
        self._in_hand -= 1

    def _adjust(self, waited_s: float) -> None:
        if waited_s > TARGET_S:
            self._limit = max(LEAST, min(self._limit, self._in_hand) * SHRINK)
        elif self._in_hand * 2 >= self._limit:
            self._limit = min(MOST, self._limit + GROWTH)


class Shedding:
    """ASGI middleware that asks the shedder before anything else looks at a request."""

    def __init__(self, app: ASGIApp, shedder: Shedder) -> None:
        self._app = app
        self._shedder = shedder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        kind = _kind(scope)
        if kind is None:
            await self._app(scope, receive, send)
            return
        refusal = self._shedder.enter(kind)
        if refusal is not None:
            catalog.SHED.add(kind)
            await send_error(refusal, scope["state"]["request_id"], send)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            self._shedder.leave()


def _kind(scope: Scope) -> str | None:
    """Return the class of a request; None: it is neither counted nor refused.

    Streams, and waiting for something to end, hold a connection and cost nothing while they wait.
    """
    path, method = scope["path"], scope.get("method")
    if path.startswith(FREE) or (method == "GET" and path.endswith("/events")):
        return None
    if has_preference(scope["headers"]):
        return None
    if method == "GET":
        return "read"
    return "turn" if path.endswith("/turns") else "work"


class Probes:
    """Measures how long the event loop and the connections make a newcomer wait."""

    def __init__(self, shedder: Shedder, database: Database, lag: LoopLag | None) -> None:
        """`lag` is the process's own; None where nobody measures it."""
        self._shedder = shedder
        self._database = database
        self._lag = lag
        self._unlisten: Callable[[], None] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> "Probes":
        """Begin to measure."""
        if self._lag is not None:
            self._unlisten = self._lag.listen(self._hear, every_s=PROBE_S)
        self._tasks = [asyncio.create_task(self._measure_pool())]
        return self

    async def stop(self) -> None:
        """Measure no more."""
        if self._unlisten is not None:
            self._unlisten()
        await end(self._tasks)

    def _hear(self, late_s: float) -> None:
        self._shedder.note("loop", late_s)

    async def _measure_pool(self) -> None:
        while True:
            await asyncio.sleep(PROBE_S)
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                self._shedder.note("connections", await self._database.app.wait_s())
