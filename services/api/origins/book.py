"""Everybody's allowed origins as a process remembers them."""

import asyncio
import hmac
import re
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Final
from uuid import UUID

import asyncpg

from services.api.principal import Principal
from shared.db.pool import Database
from shared.db.sql import Queries
from shared.db.tx import system_tx
from shared.log import get_logger

log = get_logger()

CACHE_S: Final = 5.0
"""Longest seconds until a changed list counts everywhere."""

_SQL = Queries("services.api.origins")

_LOCAL: Final = re.compile(r"http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?")
"""A developer's own machine: test keys work there without being asked."""

_Book = Mapping[bytes, frozenset[UUID]]
"""Tenants by the hash of an origin."""


class OriginBook:
    """Reads all lists at most once in `CACHE_S` seconds, and only when a browser asks."""

    def __init__(
        self,
        database: Database,
        master_key: bytes,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._secret = hmac.digest(master_key, b"rapport origins v1", sha256)
        self._monotonic = monotonic
        self._book: _Book = {}
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    def hash(self, origin: str) -> bytes:
        """Return the 32 bytes by which an origin is found."""
        return hmac.digest(self._secret, origin.encode(), sha256)

    async def is_known(self, origin: str) -> bool:
        """Say whether the page of any tenant is there, or a developer's own machine."""
        return _LOCAL.fullmatch(origin) is not None or bool(await self._tenants(origin))

    async def allows(self, principal: Principal, origin: str) -> bool:
        """Say whether a page may read what this caller is answered."""
        if principal.environment == "test" and _LOCAL.fullmatch(origin) is not None:
            return True
        return principal.tenant_id in await self._tenants(origin)

    def forget(self) -> None:
        """Read again before the next answer: a list was changed in this process."""
        self._read_at = float("-inf")

    async def _tenants(self, origin: str) -> frozenset[UUID]:
        if self._monotonic() - self._read_at >= CACHE_S:
            if self._reading is None or self._reading.done():
                self._reading = asyncio.create_task(self._read())
            await asyncio.shield(self._reading)
        return self._book.get(self.hash(origin), frozenset())

    async def _read(self) -> None:
        read_at = self._monotonic()
        book: dict[bytes, set[UUID]] = {}
        try:
            async with system_tx(self._database) as connection:
                rows = await connection.fetch(_SQL["all_origins"])
        except (
            OSError,
            TimeoutError,
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
            asyncpg.InternalClientError,  # a connection that died between two statements
        ) as error:
            log.warning("origins.read_failed", error=type(error).__name__)
            return  # what was read before goes on; the request itself will say what is wrong
        for row in rows:
            book.setdefault(row["origin_hash"], set()).add(row["tenant_id"])
        self._book = {origin: frozenset(tenants) for origin, tenants in book.items()}
        self._read_at = read_at
