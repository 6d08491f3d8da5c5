"""How late the event loop is: the one thing that only a restart may cure.

One timer of a process measures it; who wants to know of every look listens.
"""

import asyncio
from collections.abc import Callable
from typing import Final

TICK_S: Final = 0.5
"""Seconds between two looks at the clock, unless somebody asked for more."""

STUCK_S: Final = 10.0
"""Seconds of delay from which on the process counts as dead."""

Listener = Callable[[float], None]
"""Is told how many seconds late a look was; must not wait and must not raise."""


class LoopLag:
    """Measures the delay of a timer. A loop that stands still answers no probe at all."""

    def __init__(self) -> None:
        self._due = 0.0
        self._last_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._listeners: dict[Listener, float] = {}
        """With the seconds between two looks that each needs."""

    def start(self) -> None:
        """Begin to measure, on the running loop."""
        self._plan()

    def stop(self) -> None:
        """Measure no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def listen(self, listener: Listener, *, every_s: float = TICK_S) -> Callable[[], None]:
        """Tell somebody how late each look was; return what ends that.

        While anybody listens who needs it, the clock is looked at every `every_s` seconds.
        """
        self._listeners[listener] = every_s
        self._hurry()

        def stop() -> None:
            self._listeners.pop(listener, None)

        return stop

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    @property
    def seconds(self) -> float:
        """The delay of the last tick, or of the one that is due by now."""
        if self._timer is None:
            return 0.0
        return max(self._last_s, asyncio.get_running_loop().time() - self._due, 0.0)

    def _tick(self) -> None:
        self._last_s = max(asyncio.get_running_loop().time() - self._due, 0.0)
        self._plan()
        for listener in tuple(self._listeners):
            listener(self._last_s)

    def _plan(self) -> None:
        loop = asyncio.get_running_loop()
        self._due = loop.time() + min(self._listeners.values(), default=TICK_S)
        self._timer = loop.call_at(self._due, self._tick)

    def _hurry(self) -> None:
        """Let a new listener not wait for a look that was planned before it came."""
        if self._timer is not None:
            self._timer.cancel()
            self._plan()
