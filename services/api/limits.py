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

    async def take(self, tenant_id: UUID, *, is_read: bool) -> tuple[Headers, AppError | None]:
        """Count a request; return the headers of its answer, and the refusal if there is one.

        While the store of the rates does not answer, reads pass uncounted, and what changes
        something or spends money is refused.
        """
        quota = (await self._book.of(tenant_id)).requests_per_minute
        left = await self._rates.take(tenant_id, quota)
        policy = (b"ratelimit-policy", b'"requests";q=%d;w=%d' % (quota, WINDOW_S))
        if not left.is_known:
            refusal = None if is_read else UnavailableError(retry_after_s=self._later(left))
            return (policy,), refusal
        state = b'"requests";r=%d;t=%d' % (left.remaining, left.reset_s)
        headers = (policy, (b"ratelimit", state))
        if left.is_allowed:
            return headers, None
        return headers, RequestRateError(
            f"{quota} requests per {WINDOW_S} seconds are allowed",
            retry_after_s=self._later(left),
        )

    def _later(self, left: Allowance) -> int:
        return left.wait_s + self._random(1)[0] % (JITTER_S + 1)
