"""Connection pools of a process: one per database role. Only `shared/db` acquires connections."""

import asyncio
from typing import TypeAlias

import asyncpg

from shared.config import Settings
from shared.db.connections import Connection, ConnectionPool
from shared.telemetry import catalog, metrics

__all__ = ["APP_ROLE", "SYSTEM_ROLE", "Connection", "Database", "Pool", "connect"]

APP_ROLE = "rapport_app"
SYSTEM_ROLE = "rapport_system"

STATEMENT_TIMEOUT = "15s"
"""Longest statement; a request has given up by then."""

CLOSE_TIMEOUT_S = 5.0
"""Longest wait for a connection that its user does not give back; a stop must not hang on it."""

IDLE_IN_TRANSACTION_TIMEOUT = "15s"
"""No transaction spans a network call, so an idle one is a bug or a stopped process."""

MAX_USES = 20_000
"""Transactions after which a connection is replaced, so that none grows for ever."""

IDLE_CONNECTION_S = 300.0
"""Seconds an unused connection stays open."""

Pool: TypeAlias = ConnectionPool


async def _pool(url: str, role: str, size: int, service: str) -> Pool:
    settings = {
        "role": role,
        "application_name": f"rapport-{service}",
        "search_path": "app,report",
        "statement_timeout": STATEMENT_TIMEOUT,
        "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_TIMEOUT,
        "timezone": "UTC",
    }

    async def connect() -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(url, server_settings=settings, command_timeout=20)

    pool = ConnectionPool(connect, size=size, max_uses=MAX_USES, idle_s=IDLE_CONNECTION_S)
    await pool.open()
    return pool


class Database:
    """The two pools of a process. The system pool opens on first use: most processes never need
    it.
    """

    def __init__(self, app: Pool, url: str, service: str) -> None:
        self.app = app
        self._url = url
        self._service = service
        self._system: Pool | None = None
        self.is_closed = False
        """Whether `close` was called: nothing can be read or written any more."""
        self._unshow = metrics.before_showing(self._show)

    def _show(self) -> None:
        for role, pool in (("app", self.app), ("system", self._system)):
            if pool is not None:
                size, busy, waiting = pool.load
                catalog.POOL_SIZE.set(size, role)
                catalog.POOL_BUSY.set(busy, role)
                catalog.POOL_WAITING.set(waiting, role)

    async def system(self) -> Pool:
        """Return the pool of `rapport_system`."""
        if self._system is None:
            self._system = await _pool(self._url, SYSTEM_ROLE, 3, self._service)
        return self._system

    async def close(self) -> None:
        """Close every connection; transactions in hand have `CLOSE_TIMEOUT_S` to finish."""
        self.is_closed = True
        self._unshow()
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
