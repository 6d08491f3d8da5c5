"""Requests of tenants over all processes: asked for in blocks, so that most cost no round trip.

A learner's turn never waits for the count: it takes what is lent, or goes on credit and is counted
beside its own work.
"""

import asyncio
import math
import time
from collections.abc import Callable
from typing import Final, Protocol
from uuid import UUID

import msgspec

from shared.db.pool import Database
from shared.db.tx import tenant_once
from shared.log import get_logger
from shared.tenancy.book import SQL

log = get_logger()

WINDOW_S: Final = 60
"""A tenant that was quiet for so long may send its whole quota at once."""

FIRST_BLOCK: Final = 4
"""Requests lent ahead to a process whose tenant was quiet."""

CREDIT_PART: Final = 100
"""A process may be one request in so many of a quota ahead of the count, and always one: turns."""

SWEEP_AT: Final = 10_000
"""Tenants remembered before those are forgotten that hold nothing any more."""

STORE_WAIT_S: Final = 1.5
"""Seconds the store has to answer."""

STORE_REST_S: Final = 1.0
"""Seconds in which a store that did not answer is not asked again for a tenant."""


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What the store allowed; see the function `take_requests_v1`."""

    granted: int
    """Of those wanted now."""
    ahead: int
    """Lent: may be used until `lapse_s` are over."""
    room: int
    """Requests that are left of the quota."""
    whole_s: float
    """Seconds until the quota is whole again."""
    lapse_s: float
    wait_s: float
    """Seconds until one more is allowed."""


class RateStore(Protocol):
    """Where the requests of all processes are counted."""

    async def take(self, tenant_id: UUID, quota: int, wanted: int, ahead: int) -> Grant:
        """Take up to `wanted` requests now, and borrow up to `ahead`; whatever it raises: down."""
        ...


class PostgresRates:
    """The store of the product."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, tenant_id: UUID, quota: int, wanted: int, ahead: int) -> Grant:
        """Take requests, in one round trip."""
        rows = await tenant_once(
            self._database, tenant_id, SQL["take_requests"], quota, wanted, ahead, None
        )
        (row,) = rows
        return Grant(
            granted=row["granted"],
            ahead=row["ahead"],
            room=row["room"],
            whole_s=row["whole_us"] / 1e6,
            lapse_s=row["lapse_us"] / 1e6,
            wait_s=row["wait_us"] / 1e6,
        )


class Allowance(msgspec.Struct, frozen=True):
    """What one request left of a quota."""

    is_allowed: bool
    remaining: int
    """Requests that would be allowed at once, as far as this process knows."""
    reset_s: int
    """Seconds, rounded up, until the quota is whole again if no more requests come."""
    wait_s: int
    """Seconds, rounded up, until a request is allowed; 0 when this one is."""
    is_known: bool = True
    """False: the store did not answer, and nothing is counted."""


UNKNOWN: Final = Allowance(is_allowed=False, remaining=0, reset_s=0, wait_s=1, is_known=False)
"""What is known of a quota while the store is down."""


class _Purse:
    """What a process holds for one tenant."""

    def __init__(self) -> None:
        self.left = 0
        """Requests lent and not used."""
        self.until = 0.0
        self.asked_at = 0.0
        self.grant: Grant | None = None
        self.block = FIRST_BLOCK
        self.used = 0
        """Of the block that is lent now."""
        self.waiting: list[asyncio.Future[Allowance]] = []
        self.asking: asyncio.Task[None] | None = None
        self.down_until = 0.0
        self.owed = 0
        """Passed on credit and not counted yet; paid before anything else is granted."""
        self.shut_until = 0.0
        """No credit until then: the quota was used up."""


class Rates:
    """Counts requests against quotas; allows no more than the store has granted.

    Who finds nothing lent waits for the store, and many who wait share one round trip. How much is
    borrowed follows what a tenant used lately; a small quota is never lent ahead.
    """

    def __init__(self, store: RateStore, now_s: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._now_s = now_s
        self._purses: dict[UUID, _Purse] = {}

    async def take(self, tenant_id: UUID, quota: int) -> Allowance:
        """Take one request of a quota per `WINDOW_S`."""
        purse = self._purse(tenant_id)
        now = self._now_s()
        if purse.left > 0 and now < purse.until:
            purse.left -= 1
            purse.used += 1
            return _of(purse, now, quota)
        if now < purse.down_until:
            return UNKNOWN
        waiter: asyncio.Future[Allowance] = asyncio.get_running_loop().create_future()
        purse.waiting.append(waiter)
        self._begin(tenant_id, purse, quota)
        return await waiter

    def take_at_once(self, tenant_id: UUID, quota: int) -> Allowance | None:
        """Take one request without waiting: of what is lent, else on credit.

        None: neither is left, so that `take` has to ask. What went on credit is counted beside the
        caller; its `Allowance` is what the process knew before, unknown where it knew nothing.
        """
        purse = self._purse(tenant_id)
        now = self._now_s()
        if purse.left > 0 and now < purse.until:
            purse.left -= 1
            purse.used += 1
            return _of(purse, now, quota)
        if now < purse.shut_until or purse.owed >= max(1, quota // CREDIT_PART):
            return None
        purse.owed += 1
        if now >= purse.down_until:
            self._begin(tenant_id, purse, quota)
        return _of(purse, now, quota)

    def _begin(self, tenant_id: UUID, purse: _Purse, quota: int) -> None:
        if purse.asking is None:
            purse.asking = asyncio.create_task(self._ask(tenant_id, purse, quota))

    def _purse(self, tenant_id: UUID) -> _Purse:
        purse = self._purses.get(tenant_id)
        if purse is None:
            if len(self._purses) >= SWEEP_AT:
                now = self._now_s()
                self._purses = {
                    key: one
                    for key, one in self._purses.items()
                    if one.asking or now < one.until or (one.owed and now < one.until + WINDOW_S)
                }
            purse = self._purses[tenant_id] = _Purse()
        return purse

    async def _ask(self, tenant_id: UUID, purse: _Purse, quota: int) -> None:
        try:
            while purse.waiting or purse.owed:
                waiting, purse.waiting = purse.waiting, []
                is_settled = await self._ask_for(tenant_id, purse, quota, waiting)
                if not is_settled and not purse.waiting:
                    return  # what is owed is asked for with the next request
        finally:
            purse.asking = None
            for waiter in purse.waiting:
                waiter.cancel()

    async def _ask_for(
        self, tenant_id: UUID, purse: _Purse, quota: int, waiting: list[asyncio.Future[Allowance]]
    ) -> bool:
        """Ask once for what is owed and for who waits; say whether all of it was granted."""
        asked_at = self._now_s()  # before the question: what is lent lapses no later than here
        _resize(purse, asked_at)
        owed = purse.owed
        try:
            async with asyncio.timeout(STORE_WAIT_S):
                grant = await self._store.take(tenant_id, quota, owed + len(waiting), purse.block)
        except Exception as error:  # whatever a dying connection raises: nobody may hang
            log.warning("rates.store_down", error=type(error).__name__)
            purse.down_until = asked_at + STORE_REST_S
            for waiter in waiting:
                _tell(waiter, UNKNOWN)
            return False
        purse.grant, purse.asked_at = grant, asked_at
        purse.left, purse.used, purse.until = grant.ahead, 0, asked_at + grant.lapse_s
        paid = min(owed, grant.granted)
        purse.owed -= paid
        is_settled = grant.granted == owed + len(waiting)
        if not is_settled:
            purse.shut_until = asked_at + grant.wait_s
        later_s = max(1, math.ceil(grant.wait_s + (owed - paid) * WINDOW_S / quota))
        for number, waiter in enumerate(waiting):
            is_allowed = number < grant.granted - paid
            allowance = _of(purse, asked_at, quota)
            wait_s = 0 if is_allowed else later_s
            _tell(waiter, msgspec.structs.replace(allowance, is_allowed=is_allowed, wait_s=wait_s))
        return is_settled


def _resize(purse: _Purse, now: float) -> None:
    """Borrow twice as much next time when all was used, and what was used when it lapsed."""
    if purse.left == 0 and purse.used > 0 and now < purse.until:
        purse.block = min(2 * purse.block, 1_000_000)
    elif purse.grant is not None and now >= purse.until:
        purse.block = max(FIRST_BLOCK, purse.used if now < purse.until + WINDOW_S else 0)


def _of(purse: _Purse, now: float, quota: int) -> Allowance:
    """Return what is left, with what has come back since the store was asked."""
    grant = purse.grant
    if grant is None:
        return UNKNOWN
    passed = now - purse.asked_at
    back = int(passed * quota / WINDOW_S)
    return Allowance(
        is_allowed=True,
        remaining=min(grant.room + back, quota - purse.left) + purse.left,
        reset_s=max(1, math.ceil(grant.whole_s - passed)),
        wait_s=0,
    )


def _tell(waiter: asyncio.Future[Allowance], allowance: Allowance) -> None:
    if not waiter.done():
        waiter.set_result(allowance)
