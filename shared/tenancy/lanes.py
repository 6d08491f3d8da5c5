"""What the lanes of a process share: tenants' limits, and the count of jobs that ended."""

import asyncio

from shared.clock import Clock
from shared.config import Settings
from shared.contracts.jobs import JobKind
from shared.db.pool import Database
from shared.tasks import end
from shared.tenancy.book import LimitsBook
from shared.tenancy.drains import Drains
from shared.tenancy.limits import Defaults
from shared.tenancy.standing import LaneStandings


class Lanes:
    """Of one process; counts from `start` until `stop`."""

    def __init__(self, settings: Settings, database: Database, clock: Clock) -> None:
        self._book = LimitsBook(database, Defaults.of(settings))
        self._drains = Drains(database, clock)
        self._counting: asyncio.Task[None] | None = None

    def standings(self, kind: JobKind) -> LaneStandings:
        """Return what a lane needs to know of tenants."""
        return LaneStandings(self._book, kind, self._drains)

    def start(self) -> "Lanes":
        """Begin to store how fast queues are worked off."""
        self._counting = asyncio.create_task(self._drains.run())
        return self

    async def stop(self) -> None:
        """Store what was counted last; after the lanes have stopped."""
        if self._counting is not None:
            await end([self._counting])
        await self._drains.flush()
