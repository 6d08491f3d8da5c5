"""When a delivery is tried again."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

Chance = Callable[[], float]
"""A number from 0 up to, not including, 1."""

_MINUTE: Final = 60
_HOUR: Final = 3600

DELAYS_S: Final = (
    0,
    5,
    5 * _MINUTE,
    30 * _MINUTE,
    2 * _HOUR,
    5 * _HOUR,
    10 * _HOUR,
    14 * _HOUR,
    20 * _HOUR,
    24 * _HOUR,
)
"""Seconds before each attempt, from the end of the one before; Standard Webhooks' example, about
75 hours in all."""

ATTEMPTS: Final = len(DELAYS_S)
"""Attempts of a delivery before it has failed for good."""

JITTER: Final = 0.2
"""Share by which a wait may be shorter or longer, so that retries do not come in waves."""

MAX_PAUSE: Final = timedelta(hours=24)
"""Longest wait that a receiver can ask for."""


def next_delay(attempts_made: int, chance: Chance) -> timedelta | None:
    """Return how long to wait after this many attempts (>= 1); None: that was the last."""
    if attempts_made >= ATTEMPTS:
        return None
    spread = 1 + JITTER * (2 * chance() - 1)
    return timedelta(seconds=DELAYS_S[attempts_made] * spread)


def read_retry_after(value: str | None, now: datetime) -> timedelta | None:
    """Return the wait that a `Retry-After` header asks for, at most `MAX_PAUSE`.

    None: there is no header, or nothing in it that asks for a wait (past, malformed).
    """
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdecimal():
        # Longer numbers say no more, and int() refuses endless ones.
        asked = MAX_PAUSE if len(value) > 9 else timedelta(seconds=int(value))
    else:
        moment = _read_date(value)
        if moment is None:
            return None
        asked = moment - now
    return min(asked, MAX_PAUSE) if asked > timedelta() else None


def _read_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, IndexError, OverflowError):
        return None
    # "-0000" gives a naive time; the HTTP format is always GMT.
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
