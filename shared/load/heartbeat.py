"""What every process tells of itself: that it lives, and what it did, every ten seconds."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import Final

import msgspec

from shared.clock import Clock, SystemClock
from shared.db.pool import Database
from shared.db.tx import system_tx
from shared.ids import IdMaker, Uuid7Maker
from shared.load.meter import SQL, LoadMeter
from shared.log import get_logger
from shared.tasks import end
from shared.telemetry.measures import listen

log = get_logger()

PERIOD_S: Final = 10.0
"""Seconds between two beats."""

LOST_AFTER: Final = timedelta(seconds=35)
"""A process that was not seen for so long is gone, or cannot reach the database."""

KEPT: Final = timedelta(days=7)
"""How long minutes of load are kept."""

FORGOTTEN_AFTER: Final = timedelta(days=1)
"""How long a process that ended without a word is shown as lost."""

CLEAN_EVERY: Final = 360
"""Beats between two clean-ups: an hour."""

Facts = Callable[[], Awaitable[dict[str, float]]]
"""Numbers that only this process knows, for example what waits in Temporal."""


async def _no_facts() -> dict[str, float]:
    return {}


def product_version() -> str:
    """Return the version of the product that this process runs."""
    try:
        return version("rapport")
    except PackageNotFoundError:
        return "unknown"


class Heartbeat:
    """Beats until it is stopped; a database that is away costs a warning, never the process."""

    def __init__(
        self,
        database: Database,
        service: str,
        *,
        clock: Clock | None = None,
        ids: IdMaker | None = None,
        facts: Facts = _no_facts,
        period_s: float = PERIOD_S,
    ) -> None:
        self._database = database
        self._service = service
        self._clock = clock or SystemClock()
        self._facts = facts
        self._period_s = period_s
        self._process_id = (ids or Uuid7Maker()).new()
        self._started_at = self._clock.now()
        self._version = product_version()
        self._meter = LoadMeter()
        self._beats = 0
        self._deaf: Callable[[], None] = lambda: None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> "Heartbeat":
        """Listen to measures, and beat at once and then every `period_s` seconds."""
        self._deaf = listen(self._meter.note)
        self._task = asyncio.create_task(self._run())
        return self

    async def stop(self) -> None:
        """Store what was counted and take the process off the list."""
        self._deaf()
        if self._task is not None:
            await end([self._task])
        try:
            async with system_tx(self._database) as connection:
                await self._meter.take().store(connection, self._clock.now())
                await connection.execute(SQL["end_process"], self._process_id)
        except Exception as error:
            log.warning("heartbeat.no_farewell", error=type(error).__name__)

    async def beat(self) -> None:
        """Say that the process lives, store what was counted, and clean up now and then."""
        now = self._clock.now()
        batch = self._meter.take()
        try:
            facts = await self._facts()
            async with system_tx(self._database) as connection:
                await connection.execute(
                    SQL["beat"],
                    self._process_id,
                    self._service,
                    self._version,
                    self._started_at,
                    now,
                    msgspec.json.encode(facts).decode(),
                )
                await batch.store(connection, now)
                if self._beats % CLEAN_EVERY == 0:
                    await connection.execute(SQL["forget_load"], now - KEPT)
                    await connection.execute(SQL["forget_processes"], now - FORGOTTEN_AFTER)
        except BaseException:
            self._meter.put_back(batch)
            raise
        self._beats += 1

    async def _run(self) -> None:
        while True:
            try:
                await self.beat()
            except Exception as error:
                log.warning("heartbeat.failed", error=type(error).__name__)
            await asyncio.sleep(self._period_s)
