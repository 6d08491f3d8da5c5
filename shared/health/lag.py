"""How late the event loop is: the one thing that only a restart may cure."""

import asyncio

TICK_S = 0.5
"""Seconds between two looks at the clock."""

STUCK_S = 10.0
"""Seconds of delay from which on the process counts as dead."""


class LoopLag:
    """Measures the delay of a timer. A loop that stands still answers no probe at all."""

    def __init__(self) -> None:
        self._due = 0.0
        self._last_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to measure, on the running loop."""
        loop = asyncio.get_running_loop()
        self._due = loop.time() + TICK_S
        self._timer = loop.call_at(self._due, self._tick)

    def stop(self) -> None:
        """Measure no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @property
    def seconds(self) -> float:
        """The delay of the last tick, or of the one that is due by now."""
        if self._timer is None:
            return 0.0
        return max(self._last_s, asyncio.get_running_loop().time() - self._due, 0.0)

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        self._last_s = max(loop.time() - self._due, 0.0)
        self._due = loop.time() + TICK_S
        self._timer = loop.call_at(self._due, self._tick)
