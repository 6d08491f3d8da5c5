"""What a lane of workers needs to know of a tenant: its weight, and whether its work rests."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol
from uuid import UUID

from shared.contracts.jobs import JobKind
from shared.tenancy.book import LimitsBook
from shared.tenancy.drains import Drains
from shared.tenancy.waking import LANES

LOOKS_AT_ONCE: Final = 8
"""Tenants of one lane that are looked up at the same time."""


class Standings(Protocol):
    """Knows tenants that have work."""

    def weight(self, tenant_id: UUID) -> int | None:
        """Return the tenant's share of the workers; None: not known yet, `look` finds it out."""
        ...

    def is_resting(self, tenant_id: UUID) -> bool:
        """Say whether the tenant is paused and this lane with it."""
        ...

    def look(self, tenant_id: UUID, then: Callable[[], None]) -> None:
        """Look the tenant up beside the caller, and call `then` when that is done."""
        ...

    def done(self, tenant_id: UUID) -> None:
        """Count a job that ended."""
        ...


class Equals:
    """Every tenant has the same weight and none is paused: tools and tests."""

    def weight(self, _tenant_id: UUID) -> int | None:
        """Return 1."""
        return 1

    def is_resting(self, _tenant_id: UUID) -> bool:
        """Return False."""
        return False

    def look(self, _tenant_id: UUID, then: Callable[[], None]) -> None:
        """Do nothing but call `then`."""
        then()

    def done(self, _tenant_id: UUID) -> None:
        """Do nothing."""


class LaneStandings:
    """From the book of limits, at most some seconds old; only tenants with work are looked up."""

    def __init__(self, book: LimitsBook, kind: JobKind, drains: Drains) -> None:
        self._book = book
        self._kind = kind
        self._drains = drains
        self._rests = kind in LANES
        self._looking: set[asyncio.Task[None]] = set()
        self._few = asyncio.Semaphore(LOOKS_AT_ONCE)

    def weight(self, tenant_id: UUID) -> int | None:
        """Return the weight; None only in lanes that rest, where an old answer may be wrong.

        In the others somebody waits for a reply: the old weight, or 1, does until the new is here.
        """
        known = self._book.known(tenant_id)
        if known is not None:
            return known.weight
        if self._rests:
            return None
        self.look(tenant_id, lambda: None)
        last = self._book.last_known(tenant_id)
        return 1 if last is None else last.weight

    def is_resting(self, tenant_id: UUID) -> bool:
        """Say whether the tenant was paused when it was seen last."""
        if not self._rests:
            return False
        known = self._book.last_known(tenant_id)
        return known is not None and known.status == "paused"

    def look(self, tenant_id: UUID, then: Callable[[], None]) -> None:
        """Look the tenant up, also when it is known: it may have been resumed just now."""
        task = asyncio.create_task(self._look(tenant_id, then))
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)

    def done(self, tenant_id: UUID) -> None:
        """Count a job that ended."""
        self._drains.note(tenant_id, self._kind)

    async def _look(self, tenant_id: UUID, then: Callable[[], None]) -> None:
        async with self._few:
            await self._book.read(tenant_id)
        then()
