"""The health of one process: starting, ready, stopping; its parts; its loop."""

import asyncio

from shared.health.lag import STUCK_S, LoopLag
from shared.health.probes import Probe
from shared.health.readiness import Readiness


class Health:
    """What the probes of a process answer. Made by whoever runs it, filled in by its `serve`."""

    def __init__(self, stop: asyncio.Event) -> None:
        """Take the event that asks the process to stop: from then on it is not ready."""
        self._stop = stop
        self._has_begun = False
        self._readiness = Readiness()
        self.lag = LoopLag()

    def watch(self, part: str, probe: Probe) -> None:
        """Add a part that this process cannot work without."""
        self._readiness.watch(part, probe)

    def begin(self) -> None:
        """Say that the process takes work from now on."""
        self._has_begun = True

    @property
    def is_alive(self) -> bool:
        """Whether the loop turns; no part that is away changes that."""
        return self.lag.seconds < STUCK_S

    async def missing(self) -> tuple[str, ...]:
        """Return why nobody should send work: parts by name, `start`, or `stop`; empty is ready."""
        if self._stop.is_set():
            return ("stop",)
        if not self._has_begun:
            return ("start",)
        return await self._readiness.missing()

    async def close(self) -> None:
        """Ask nobody any more."""
        self.lag.stop()
        await self._readiness.close()
