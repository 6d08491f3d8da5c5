"""How many requests a tenant may send, over all processes, told in every answer.

[R-A12]
"""

from collections.abc import Callable
from typing import Final
from uuid import UUID

from services.api.rates import WINDOW_S, Allowance, Rates, RateStore
from shared.errors import AppError, RequestRateError, UnavailableError
from shared.tenancy.book import LimitsBook

__all__ = ["WINDOW_S", "Headers", "RequestLimiter"]

JITTER_S: Final = 4
"""Up to so many seconds are added to `Retry-After`, so that clients do not return together."""

Headers = tuple[tuple[bytes, bytes], ...]


class RequestLimiter:
    """Counts requests and says in headers what is left, as draft-ietf-httpapi-ratelimit-headers-11
    has it.
    """

    def __init__(self, book: LimitsBook, store: RateStore, random: Callable[[int], bytes]) -> None:
        self._book = book
        self._rates = Rates(store)
        self._random = random

    async def take(
        self, tenant_id: UUID, *, is_read: bool, is_turn: bool = False
    ) -> tuple[Headers, AppError | None]:
        """Count a request; return the headers of its answer, and the refusal if there is one.

        A turn of a tenant that this process has seen before waits neither for its limits nor for
        the count, but where the quota is used up. While the store of the rates does not answer,
        reads pass uncounted, and what changes something or spends money is refused.
        """
        known = self._book.at_once(tenant_id) if is_turn else None
        quota = (known or await self._book.of(tenant_id)).requests_per_minute
        at_once = self._rates.take_at_once(tenant_id, quota) if is_turn else None
        if at_once is not None:
            return _headers(quota, at_once), None
        left = await self._rates.take(tenant_id, quota)
        headers = _headers(quota, left)
        if not left.is_known:
            return headers, None if is_read else UnavailableError(retry_after_s=self._later(left))
        if left.is_allowed:
            return headers, None
        return headers, RequestRateError(
            f"{quota} requests per {WINDOW_S} seconds are allowed",
            retry_after_s=self._later(left),
        )

    def _later(self, left: Allowance) -> int:
        return left.wait_s + self._random(1)[0] % (JITTER_S + 1)


def _headers(quota: int, left: Allowance) -> Headers:
    policy = (b"ratelimit-policy", b'"requests";q=%d;w=%d' % (quota, WINDOW_S))
    if not left.is_known:
        return (policy,)
    return policy, (b"ratelimit", b'"requests";r=%d;t=%d' % (left.remaining, left.reset_s))
