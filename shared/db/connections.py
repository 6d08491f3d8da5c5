"""Connections that are lent and given back: a pool over nothing but asyncpg's public functions.

asyncpg's own pool gives a connection back in a task of its own, with timers and a reset. Where
every setting is local to its transaction there is nothing to reset, and that care would be more
than half of what a small query costs this process.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Generator
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import asyncpg

if TYPE_CHECKING:  # asyncpg's classes are generic for type checkers only
    Raw: TypeAlias = asyncpg.Connection[asyncpg.Record]
    Connection: TypeAlias = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]

CLOSE_S: Final = 5.0
"""Longest seconds that the farewell to a server may take."""


class Lease:
    """A connection in the hands of one user; it answers nobody once it was given back.

    So a task that outlives its transaction fails, and never speaks in another tenant's.
    """

    __slots__ = ("_connection", "_uses")

    def __init__(self, connection: "Raw", uses: int) -> None:
        self._connection: Raw | None = connection
        self._uses = uses

    def __getattr__(self, name: str) -> Any:
        """Return what the connection itself has."""
        connection = self._connection
        if connection is None:
            raise asyncpg.InterfaceError("the connection was given back")
        return getattr(connection, name)

    def end(self) -> "tuple[Raw, int] | None":
        """Return the connection and how often it was lent; None the second time."""
        connection, self._connection = self._connection, None
        return None if connection is None else (connection, self._uses)


if not TYPE_CHECKING:
    Connection = Lease


class Acquiring:
    """What `acquire()` returns: to be awaited, or entered and left."""

    __slots__ = ("_lease", "_pool")

    def __init__(self, pool: "ConnectionPool") -> None:
        self._pool = pool
        self._lease: Lease | None = None

    def __await__(self) -> Generator[Any, None, Connection]:
        return cast("Generator[Any, None, Connection]", self._pool.take().__await__())

    async def __aenter__(self) -> Connection:
        self._lease = await self._pool.take()
        return cast("Connection", self._lease)

    async def __aexit__(self, *_: object) -> None:
        if self._lease is not None:
            self._pool.give_back(self._lease)


class ConnectionPool:
    """Up to `size` connections of one role; who finds none waits in line."""

    def __init__(
        self,
        connect: "Callable[[], Awaitable[Raw]]",
        *,
        size: int,
        max_uses: int,
        idle_s: float,
    ) -> None:
        self._connect = connect
        self._size = size
        self._max_uses = max_uses
        """Times a connection is lent before it is replaced."""
        self._idle_s = idle_s
        """Seconds an unused connection stays open."""
        self._idle: deque[tuple[Raw, int, float]] = deque()
        """With the times it was lent and since when it rests; the last used is used next."""
        self._waiting: deque[asyncio.Future[tuple[Raw, int] | None]] = deque()
        """None tells whoever waits to open one: a place became free."""
        self._open: set[Raw] = set()
        self._places = 0
        """Taken: connections that are open or being opened."""
        self._farewells: set[asyncio.Task[None]] = set()
        self._is_closing = False
        self._empty = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def load(self) -> tuple[int, int, int]:
        """Return how many connections it may have, how many are lent, and how many tasks wait."""
        return self._size, self._places - len(self._idle), len(self._waiting)

    async def open(self) -> None:
        """Open the first connection.

        Raises:
            OSError, asyncpg.PostgresError: the server does not answer or refuses the login.
        """
        self._places += 1
        self.give_back(await self._new())
        self._rest()

    def acquire(self) -> Acquiring:
        """Lend a connection: `async with pool.acquire() as connection`."""
        return Acquiring(self)

    async def take(self) -> Lease:
        """Return a connection; whoever takes it gives it back.

        Raises:
            asyncpg.InterfaceError: the pool is closing.
            OSError, asyncpg.PostgresError: a new one was needed, and there is none to be had.
        """
        if self._is_closing:
            raise asyncpg.InterfaceError("the pool is closing")
        while self._idle:
            connection, uses, _ = self._idle.pop()
            if not connection.is_closed():
                return Lease(connection, uses + 1)
            self._forget(connection)
        if self._places < self._size:
            self._places += 1
            return await self._new()
        handed = await self._wait()
        return await self._new() if handed is None else Lease(handed[0], handed[1] + 1)

    async def wait_s(self) -> float:
        """Return how long a newcomer waits for a connection, in seconds; 0 while one is free.

        Raises:
            OSError, asyncpg.PostgresError, asyncpg.InterfaceError: as `take`.
        """
        if self._idle or self._places < self._size:
            return 0.0
        loop = asyncio.get_running_loop()
        start = loop.time()
        self.give_back(await self.take())
        return loop.time() - start

    async def release(self, connection: Connection) -> None:
        """Give a connection back; a second time changes nothing."""
        self.give_back(cast("Lease", connection))

    def give_back(self, lease: Lease) -> None:
        """Likewise, at once."""
        held = lease.end()
        if held is None:
            return
        connection, uses = held
        if not connection.is_closed() and connection.is_in_transaction():
            connection.terminate()  # nobody ended it: the server undoes what it did
        if connection.is_closed():
            self._forget(connection)
        elif self._is_closing or uses >= self._max_uses:
            self._part_from(connection)
        elif (waiter := self._next()) is not None:
            waiter.set_result((connection, uses))
        else:
            self._idle.append((connection, uses, asyncio.get_running_loop().time()))

    async def close(self) -> None:
        """Close every connection, those in use once they are given back."""
        self._is_closing = True
        if self._timer is not None:
            self._timer.cancel()
        while (waiter := self._next()) is not None:
            waiter.set_exception(asyncpg.InterfaceError("the pool is closing"))
        while self._idle:
            self._part_from(self._idle.pop()[0])
        if self._places:
            await self._empty.wait()
        await asyncio.gather(*self._farewells, return_exceptions=True)

    def terminate(self) -> None:
        """Drop every connection, in use or not."""
        for connection in list(self._open):
            connection.terminate()

    async def _new(self) -> Lease:
        """Open a connection in a place that is taken already."""
        try:
            connection = await self._connect()
        except BaseException:
            self._vacate()
            raise
        self._open.add(connection)
        return Lease(connection, 1)

    async def _wait(self) -> "tuple[Raw, int] | None":
        waiter: asyncio.Future[tuple[Raw, int] | None]
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                handed = waiter.result()  # in the same moment as the cancellation
                if handed is None:
                    self._vacate()
                else:
                    self.give_back(Lease(*handed))
            raise

    def _next(self) -> "asyncio.Future[tuple[Raw, int] | None] | None":
        """Return who waits longest."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                return waiter
        return None

    def _part_from(self, connection: "Raw") -> None:
        """Say goodbye beside everything else; its place is free at once."""
        farewell = asyncio.create_task(connection.close(timeout=CLOSE_S))
        self._farewells.add(farewell)
        farewell.add_done_callback(self._parted)
        self._forget(connection)

    def _parted(self, farewell: asyncio.Task[None]) -> None:
        self._farewells.discard(farewell)
        if not farewell.cancelled():
            farewell.exception()  # a server that is gone already hears no goodbye

    def _forget(self, connection: "Raw") -> None:
        self._open.discard(connection)
        self._vacate()

    def _vacate(self) -> None:
        """Pass a place on, or free it."""
        if not self._is_closing and (waiter := self._next()) is not None:
            waiter.set_result(None)
            return
        self._places -= 1
        if self._is_closing and not self._places:
            self._empty.set()

    def _rest(self) -> None:
        """Part from connections that nobody used for long, now and then."""
        loop = asyncio.get_running_loop()
        while self._idle and loop.time() - self._idle[0][2] >= self._idle_s:
            self._part_from(self._idle.popleft()[0])
        self._timer = loop.call_later(self._idle_s / 2, self._rest)
