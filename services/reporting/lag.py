"""Watches how far the counting of all tenants is behind; too far is a warning in the log."""

import asyncio
from typing import Any, Final

from services.reporting.freshness import SQL
from services.reporting.repository import CONSUMER
from shared.clock import Clock
from shared.db.pool import Database
from shared.db.tx import system_tx
from shared.log import get_logger
from shared.telemetry import catalog

log = get_logger()

LATE_AFTER_S: Final = 60.0
"""Seconds that an event or a mark may wait to be counted before somebody should look."""

PERIOD_S: Final = 10.0
"""Seconds between two looks."""


class LagWatch:
    """Knows the lag of a moment ago; the service's statistics show it."""

    def __init__(self, database: Database, clock: Clock, *, period_s: float = PERIOD_S) -> None:
        self._database = database
        self._clock = clock
        self._period_s = period_s
        self._closing = asyncio.Event()
        self._seen: dict[str, Any] = {}

    def seen(self) -> dict[str, Any]:
        """Return what the last look found: tenants, events and marks of the worst, seconds."""
        return dict(self._seen)

    def close(self) -> None:
        """Let `run` return."""
        self._closing.set()

    async def run(self) -> None:
        """Look again and again until `close`."""
        while not self._closing.is_set():
            await self.look()
            try:
                async with asyncio.timeout(self._period_s):
                    await self._closing.wait()
            except TimeoutError:
                pass

    async def look(self) -> None:
        """Look once; a database that does not answer leaves the last finding as it is."""
        try:
            async with system_tx(self._database) as connection:
                row = await connection.fetchrow(SQL["lag"], CONSUMER)
        except Exception as error:
            log.warning("lag.unknown", error=type(error).__name__)
            return
        if row is None:
            raise AssertionError("an aggregate always has a row")
        since = row["waits_since"]
        lag_s = 0.0 if since is None else max((self._clock.now() - since).total_seconds(), 0.0)
        self._seen = {
            "tenants_behind": row["tenants"],
            "behind": row["behind"],
            "lag_s": round(lag_s, 3),
        }
        catalog.REPORTING_LAG.set(lag_s)
        catalog.REPORTING_BEHIND.set(row["tenants"])
        if lag_s > LATE_AFTER_S:
            log.warning("reporting.late", late_after_s=LATE_AFTER_S, **self._seen)
