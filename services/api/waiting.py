"""`Prefer: wait=N` (RFC 7240): an answer that waits a little for work to end [R-A4]."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeVar

T = TypeVar("T")

MAX_WAIT_S: Final = 20
"""Longer wishes are cut to this, which `Preference-Applied` then says."""

FIRST_LOOK_S: Final = 0.05
LAST_LOOK_S: Final = 1.0
"""Pauses between two looks grow from the first to the last."""

GROWTH: Final = 1.5

_WAIT: Final = re.compile(r'wait="?([0-9]{1,6})"?')


def wished_wait_s(prefer: str | None) -> int:
    """Return the seconds that a `Prefer` header wishes to wait, at most `MAX_WAIT_S`.

    0 without such a wish. A preference that cannot be read is no error: it is not followed.
    """
    for preference in (prefer or "").lower().split(","):
        found = _WAIT.fullmatch(preference.partition(";")[0].replace(" ", "").strip())
        if found is not None:  # the first one counts
            return min(int(found[1]), MAX_WAIT_S)
    return 0


def has_preference(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Say whether a request comes with `Prefer`, by its raw headers: it may hold on for a while."""
    return any(name == b"prefer" for name, _ in headers)


async def wait_until(
    look: Callable[[], Awaitable[T]], is_over: Callable[[T], bool], wait_s: float
) -> T:
    """Look again and again until it is over, at most `wait_s` seconds; return the last look.

    Looks cost a query each, so their pauses grow; no connection is held between them.
    """
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + wait_s, FIRST_LOOK_S
    while True:
        seen = await look()
        left = deadline - loop.time()
        if left <= 0 or is_over(seen):
            return seen
        await asyncio.sleep(min(pause, left))
        pause = min(pause * GROWTH, LAST_LOOK_S)


def applied(wait_s: int) -> dict[str, str]:
    """Return the header that says how long a request was willing to wait; none without a wish."""
    return {"Preference-Applied": f"wait={wait_s}"} if wait_s else {}
