"""What can go wrong when a server is started, in one line each."""

from pathlib import Path
from typing import Final

TAIL_LINES: Final = 3
"""How much of a server's log an error quotes; more is in the log file itself."""
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
            text = log.read().decode(errors="replace")
    except OSError:
        return ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " | ".join(lines[-TAIL_LINES:])
