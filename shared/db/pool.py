"""Connection pools of a process: one per database role. Only `shared/db` acquires connections."""

import asyncio
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg
from typing_extensions import override

from shared.config import Settings

APP_ROLE = "rapport_app"
SYSTEM_ROLE = "rapport_system"

STATEMENT_TIMEOUT = "15s"
"""Longest statement; a request has given up by then."""

CLOSE_TIMEOUT_S = 5.0
"""Longest wait for a connection that its user does not give back; a stop must not hang on it."""

IDLE_IN_TRANSACTION_TIMEOUT = "15s"
"""No transaction spans a network call, so an idle one is a bug or a stopped process."""

MAX_QUERIES = 50_000
"""Queries after which a connection is replaced, so that none grows for ever."""

IDLE_CONNECTION_S = 300.0
"""Seconds an unused connection stays open."""

if TYPE_CHECKING:  # asyncpg's classes are generic for type checkers only
    Connection: TypeAlias = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
else:
    Connection = asyncpg.pool.PoolConnectionProxy
    Pool = asyncpg.Pool


class _QuickPool(Pool):
    """A pool that takes a connection back at once when there is nothing to wait for.

    asyncpg gives it back in a task of its own, so that a cancellation cannot come in between. With
    nothing to reset it is back before anything else can run, and the task, with another round of
    the event loop, would be a third of what a small query costs this process.
    """

    @override
    async def release(self, connection: Any, *, timeout: float | None = None) -> None:
        inner = connection._con  # noqa: SLF001 - asyncpg has no public way to ask; pinned by the lock
        if inner is None or not _is_at_rest(inner):
            await super().release(connection, timeout=timeout)
            return
        inner._on_release()  # noqa: SLF001
        await connection._holder.release(None)  # noqa: SLF001


def _is_at_rest(inner: Any) -> bool:
    """Whether giving a connection back needs no word with the server."""
    protocol = inner._protocol  # noqa: SLF001
    return not (
        inner.is_closed() or protocol.is_in_transaction() or protocol._is_cancelling()  # noqa: SLF001
    )


async def _keep(_connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Skip asyncpg's reset round trip: every setting we make is local to its transaction."""


async def _pool(url: str, role: str, size: int, service: str) -> Pool:
    settings: dict[str, Any] = {
        "role": role,
        "application_name": f"rapport-{service}",
        "search_path": "app,report",
        "statement_timeout": STATEMENT_TIMEOUT,
        "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_TIMEOUT,
        "timezone": "UTC",
    }
    pool = _QuickPool(
        url,
        min_size=1,
        max_size=size,
        max_queries=MAX_QUERIES,
        max_inactive_connection_lifetime=IDLE_CONNECTION_S,
        reset=_keep,
        loop=None,
        connection_class=asyncpg.Connection,
        record_class=asyncpg.Record,
        server_settings=settings,
        command_timeout=20,
    )
    return await pool


class Database:
    """The two pools of a process. The system pool opens on first use: most processes never need
    it.
    """

    def __init__(self, app: Pool, url: str, service: str) -> None:
        self.app = app
        self._url = url
        self._service = service
        self._system: Pool | None = None

    async def system(self) -> Pool:
        """Return the pool of `rapport_system`."""
        if self._system is None:
            self._system = await _pool(self._url, SYSTEM_ROLE, 3, self._service)
        return self._system

    async def close(self) -> None:
        """Close every connection; transactions in hand have `CLOSE_TIMEOUT_S` to finish."""
        for pool in (self.app, self._system):
            if pool is None:
                continue
            try:
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await pool.close()
            except TimeoutError:
                pool.terminate()


async def connect(settings: Settings, service: str) -> Database:
    """Open the process's pools.

    Raises:
        OSError, asyncpg.PostgresError: the server does not answer or refuses the login.
    """
    url = settings.database_url.reveal
    return Database(await _pool(url, APP_ROLE, settings.database_pool, service), url, service)
