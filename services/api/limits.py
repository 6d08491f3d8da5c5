"""How many requests a tenant may send: a GCRA per tenant, told in every answer.

The counting is exact in integers of nanoseconds and lives in this process; a limit over all
processes, by plan, is another one. [R-A12]
"""

import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

import msgspec

from shared.errors import RequestRateError

WINDOW_S: Final = 60
"""A tenant that was quiet for so long may send its whole quota at once."""

SECOND: Final = 1_000_000_000
"""Nanoseconds."""

JITTER_S: Final = 4
"""Up to so many seconds are added to `Retry-After`, so that clients do not return together."""

SWEEP_AT: Final = 10_000
"""Tenants remembered before those are forgotten whose quota is whole again."""

Headers = tuple[tuple[bytes, bytes], ...]


class Allowance(msgspec.Struct, frozen=True):
    """What one request left of a quota."""

    is_allowed: bool
    remaining: int
    """Requests that would be allowed at once."""
    reset_s: int
    """Seconds, rounded up, until the quota is whole again if no more requests come."""
    wait_s: int
    """Seconds, rounded up, until a request is allowed; 0 when this one is."""


class Gcra:
    """The generic cell rate algorithm (ITU-T I.371, virtual scheduling) per key.

    Kept per key is the theoretical arrival time: when all that was allowed would have arrived if it
    had been evenly spread. A request is allowed while that is less than a window ahead.
    """

    def __init__(self, quota: int, window_ns: int = WINDOW_S * SECOND) -> None:
        self.quota = quota
        self._step = max(1, window_ns // quota)
        self._window = self._step * quota
        self._arrivals: dict[UUID, int] = {}

    def take(self, key: UUID, now: int) -> Allowance:
        """Take one request; `now` is in nanoseconds and never goes back."""
        arrival = max(self._arrivals.get(key, 0), now)
        ahead = arrival - now + self._step
        if ahead > self._window:
            return Allowance(False, 0, _ceil_s(ahead - self._step), _ceil_s(ahead - self._window))
        if len(self._arrivals) >= SWEEP_AT and key not in self._arrivals:
            self._arrivals = {each: at for each, at in self._arrivals.items() if at > now}
        self._arrivals[key] = arrival + self._step
        return Allowance(True, (self._window - ahead) // self._step, _ceil_s(ahead), 0)


class RequestLimiter:
    """Counts requests and says in headers what is left, as draft-ietf-httpapi-ratelimit-headers-11
    has it.
    """

    def __init__(
        self,
        per_minute: int,
        random: Callable[[int], bytes],
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._gcra = Gcra(per_minute)
        self._random = random
        self._now_ns = now_ns
        self._policy = (
            b"ratelimit-policy",
            f'"requests";q={per_minute};w={WINDOW_S}'.encode(),
        )

    def take(self, tenant_id: UUID) -> tuple[Headers, RequestRateError | None]:
        """Count a request; return the headers of its answer, and the refusal if there is one."""
        left = self._gcra.take(tenant_id, self._now_ns())
        state = b'"requests";r=%d;t=%d' % (left.remaining, left.reset_s)
        headers = (self._policy, (b"ratelimit", state))
        if left.is_allowed:
            return headers, None
        wait_s = left.wait_s + self._random(1)[0] % (JITTER_S + 1)
        return headers, RequestRateError(
            f"{self._gcra.quota} requests per {WINDOW_S} seconds are allowed",
            retry_after_s=wait_s,
        )


def _ceil_s(nanoseconds: int) -> int:
    return -(-nanoseconds // SECOND)
