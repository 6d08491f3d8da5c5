"""The clock of a failing endpoint: pure, driven by the results of attempts.

It starts when `CLOCK_FAILURES` attempts in a row fail within `CLOCK_WINDOW`, so that one lost
delivery on a quiet endpoint switches nothing off; any success stops it.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

CLOCK_FAILURES: Final = 3
"""Failures in a row that start the clock."""

CLOCK_WINDOW: Final = timedelta(hours=24)
"""They must fall into this time."""

WARN_AFTER: Final = timedelta(days=3)
"""Of only failures: the tenant's other endpoints are warned."""

DISABLE_AFTER: Final = timedelta(days=5)
"""Of only failures: the endpoint is switched off."""

DISABLE_FAILURES: Final = 5
"""Fewer failures never switch an endpoint off."""


class Turn(StrEnum):
    """What a result changes beyond counters."""

    WARNED = "warned"
    DISABLED = "disabled"
    RECOVERED = "recovered"


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """What an endpoint's row says of its failures."""

    failures: int = 0
    """In a row."""
    failing_since: datetime | None = None
    """The first of them, or the first of the last 24 hours while the clock stands."""
    warned_at: datetime | None = None
    """Somebody was told; cleared by the success that they are told of as well."""


def after_success(health: Health) -> tuple[Health, Turn | None]:
    """Return the health after an attempt that succeeded."""
    return Health(), None if health.warned_at is None else Turn.RECOVERED


def after_failure(health: Health, now: datetime) -> tuple[Health, Turn | None]:
    """Return the health after an attempt that failed."""
    since = health.failing_since
    is_running = health.failures >= CLOCK_FAILURES
    if since is None or (not is_running and now - since > CLOCK_WINDOW):
        return Health(failures=1, failing_since=now, warned_at=health.warned_at), None
    failures = health.failures + 1
    turn = _turn(failures, now - since, is_warned=_is_warned(health.warned_at, since))
    # A switched-off endpoint counts as warned: its first success is told as well.
    warned_at = health.warned_at if turn is None else now
    return Health(failures=failures, failing_since=since, warned_at=warned_at), turn


def after_gone(health: Health, now: datetime) -> tuple[Health, Turn | None]:
    """Return the health after an answer 410: the receiver wants no more of this."""
    since = health.failing_since or now
    health = Health(failures=health.failures + 1, failing_since=since, warned_at=now)
    return health, Turn.DISABLED


def _is_warned(warned_at: datetime | None, since: datetime) -> bool:
    return warned_at is not None and warned_at >= since


def _turn(failures: int, failing: timedelta, *, is_warned: bool) -> Turn | None:
    if failures < CLOCK_FAILURES:
        return None
    if failing >= DISABLE_AFTER and failures >= DISABLE_FAILURES:
        return Turn.DISABLED
    if failing >= WARN_AFTER and not is_warned:
        return Turn.WARNED
    return None
