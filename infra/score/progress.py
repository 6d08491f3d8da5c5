"""Tells a person how far the work is: one moving line on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable
from typing import Final, TextIO

TERMINAL_S: Final = 0.2
PLAIN_S: Final = 10.0
"""Seconds between two lines; a log should not fill with them."""


class Progress:
    """Counts conversations; speaks from time to time."""

    def __init__(
        self,
        stream: TextIO,
        size: int | None,
        *,
        is_quiet: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream
        self._size = size
        self._is_quiet = is_quiet
        self._clock = clock
        self._is_terminal = stream.isatty()
        self._every = TERMINAL_S if self._is_terminal else PLAIN_S
        self._width = 0
        self._started = self._spoke = clock()
        self._first_byte = 0

    def begin(self, bytes_read: int) -> None:
        """Start to count; what an earlier run has done is no part of the pace."""
        self._started = self._spoke = self._clock()
        self._first_byte = bytes_read

    def at(self, done: int, bytes_read: int) -> None:
        """Say how far it is, unless that was just said.

        Args:
            done: lines done in this run.
            bytes_read: of the input, from its beginning.
        """
        now = self._clock()
        if self._is_quiet or now - self._spoke < self._every:
            return
        self._spoke = now
        passed = now - self._started
        text = f"{done} lines, {done / passed:.0f}/s"
        if self._size and bytes_read > self._first_byte:
            left = passed * (self._size - bytes_read) / (bytes_read - self._first_byte)
            text += f", {100 * bytes_read / self._size:.0f} %, {_span(left)} left"
        self._show(text)

    def say(self, text: str) -> None:
        """Say something that stays: bad lines, for example, also when quiet."""
        self._wipe()
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def end(self, text: str) -> None:
        """Say what came of it."""
        self._wipe()
        if not self._is_quiet:
            self.say(text)

    def pace(self, done: int) -> str:
        """Return the lines per second of this run, in words."""
        passed = self._clock() - self._started
        return f"{done / passed:.0f}/s" if passed > 0 and done else "nothing to do"

    def _show(self, text: str) -> None:
        if self._is_terminal:
            self._stream.write(f"\r{text.ljust(self._width)}")
            self._width = len(text)
        else:
            self._stream.write(f"{text}\n")
        self._stream.flush()

    def _wipe(self) -> None:
        if self._width:
            self._stream.write(f"\r{' ' * self._width}\r")
            self._width = 0


def _span(seconds: float) -> str:
    """Return a time in words: `45 s`, `3 min`, `2 h 5 min`."""
    minutes = round(seconds / 60)
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
