"""Is the process alive, and can it serve?"""

import asyncio
import time

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse
from nats.aio.client import Client

from services.api.endpoint import Answer, respond
from shared.db.pool import Database
from shared.db.tx import system_tx
from shared.errors import UnavailableError
from shared.log import get_logger

log = get_logger()

CACHE_S = 1.0
"""Seconds a verdict counts: probes come from many sides and must not become load."""

PATIENCE_S = 1.0
"""Seconds each part has to answer."""


class Readiness:
    """Asks the parts this process needs; Temporal is the orchestrator's business."""

    def __init__(self, database: Database, nats: Client) -> None:
        self._database = database
        self._nats = nats
        self._asked_at = float("-inf")
        self._missing: tuple[str, ...] = ()
        self._lock = asyncio.Lock()

    async def check(self) -> None:
        """Check the parts, at most once a second.

        Raises:
            UnavailableError: a part does not answer; it is named.
        """
        async with self._lock:
            if time.monotonic() - self._asked_at >= CACHE_S:
                self._missing = await self._ask()
                self._asked_at = time.monotonic()
        if self._missing:
            raise UnavailableError(f"Not ready: {', '.join(self._missing)}", retry_after_s=1)

    async def _ask(self) -> tuple[str, ...]:
        missing = []
        for part, ask in (("database", self._ask_database), ("nats", self._ask_nats)):
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await ask()
            except Exception as error:
                log.warning("ready.missing", part=part, error=type(error).__name__)
                missing.append(part)
        return tuple(missing)

    async def _ask_database(self) -> None:
        async with system_tx(self._database) as connection:
            await connection.execute("select 1")

    async def _ask_nats(self) -> None:
        await self._nats.flush()


def health_handlers(readiness: Readiness) -> list[HTTPRouteHandler]:
    """Return `/livez` and `/readyz`."""

    @get("/livez")
    async def livez() -> ASGIResponse:
        return respond(Answer(body={"status": "ok"}))

    @get("/readyz")
    async def readyz() -> ASGIResponse:
        await readiness.check()
        return respond(Answer(body={"status": "ok"}))

    return [livez, readyz]
