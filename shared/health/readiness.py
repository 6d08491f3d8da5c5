"""May this process be sent work? Asked by many sides, so a verdict counts for a moment."""

import asyncio
import time

from shared.health.probes import PATIENCE_S, Probe
from shared.log import get_logger

log = get_logger()

CACHE_S = 1.0
"""Seconds a verdict counts: probes come from many sides and must not become load."""


class Readiness:
    """Asks the parts that a process needs, all at once, each for at most `PATIENCE_S`."""

    def __init__(self, probes: dict[str, Probe] | None = None) -> None:
        self._probes = dict(probes or {})
        self._asked_at = float("-inf")
        self._missing: tuple[str, ...] = ()
        self._lock = asyncio.Lock()
        self._asking: dict[str, asyncio.Task[None]] = {}

    def watch(self, part: str, probe: Probe) -> None:
        """Add a part that this process cannot work without."""
        self._probes[part] = probe
        self._asked_at = float("-inf")

    async def missing(self) -> tuple[str, ...]:
        """Return the parts that do not answer, asked at most once in `CACHE_S`."""
        async with self._lock:
            if time.monotonic() - self._asked_at >= CACHE_S:
                self._missing = await self._ask()
                self._asked_at = time.monotonic()
        return self._missing

    async def close(self) -> None:
        """Give up on questions that are still open."""
        for task in self._asking.values():
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)

    async def _ask(self) -> tuple[str, ...]:
        # A question that hangs goes on behind: giving it up may take as long as the part is dead,
        # and nobody asks a second one meanwhile. An answer that came too late is as old as this
        # process was last asked, so it says nothing about now.
        for part, probe in self._probes.items():
            late = self._asking.get(part)
            if late is not None and late.done():
                _ = late.cancelled() or late.exception()  # looked at, else asyncio complains
                late = None
            if late is None:
                self._asking[part] = asyncio.create_task(_run(probe))
        if self._asking:
            await asyncio.wait(self._asking.values(), timeout=PATIENCE_S)
        return tuple(part for part in self._probes if not self._has_answered(part))

    def _has_answered(self, part: str) -> bool:
        task = self._asking[part]
        if not task.done():
            log.warning("ready.missing", part=part, error="TimeoutError")
            return False
        del self._asking[part]
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is not None:
            log.warning("ready.missing", part=part, error=type(error).__name__)
        return error is None


async def _run(probe: Probe) -> None:
    await probe()
