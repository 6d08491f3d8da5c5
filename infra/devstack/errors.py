"""What can go wrong when a server is started, in one line each."""

from pathlib import Path
from typing import Final

TAIL_LINES: Final = 3
"""How much of a server's log an error quotes; more is in the log file itself."""
LINE_CHARACTERS: Final = 300
"""How much of one line is quoted, counted from its end, where Go programs name the cause."""
TAIL_BYTES: Final = 4096
"""How far from its end a log is read for an error."""


class DevstackError(Exception):
    """A server or its data cannot be used; the text is one line for a person."""


def log_tail(path: Path, start_byte: int = 0) -> str:
    """Return the last lines of a log written since `start_byte`, joined into one; empty if none."""
    try:
        with path.open("rb") as log:
            end = log.seek(0, 2)
            log.seek(max(start_byte, end - TAIL_BYTES))
            return last_lines(log.read())
    except OSError:
        return ""


def last_lines(output: bytes) -> str:
    """Return the last lines of what a program said, joined into one."""
    text = output.decode(errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " | ".join(line[-LINE_CHARACTERS:] for line in lines[-TAIL_LINES:])
