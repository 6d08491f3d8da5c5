"""From placed events to deliveries: by position per tenant, exactly once."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from services.orchestrator.context import Context
from services.orchestrator.webhooks.repository import WebhookRepository, subscribed_tenants
from shared.db.keys import KeyRing
from shared.db.tx import system_tx, tenant_tx
from shared.log import get_logger
from shared.webhooks.deliveries import list_subscribers, read_events, write_deliveries

log = get_logger()

PAGE_EVENTS = 200
"""Events of one transaction."""

SWEEP_S = 5.0
"""Seconds between two looks at all tenants: the longest that a lost hint delays a delivery."""

WORKERS = 3
"""Tenants at once."""

KEPT = timedelta(days=30)
"""How long finished deliveries stay in the log: as long as events in the feed."""

FORGET_S = 600.0
"""Seconds between two clean-ups."""

FORGET_ROWS = 1000
"""Deliveries deleted in one transaction."""


class OnDelivery(Protocol):
    """Called after deliveries were committed."""

    def __call__(self, tenant_id: UUID, endpoint_id: UUID, *, is_failing: bool) -> None:
        """Something is due at this endpoint."""
        ...


class FanOut:
    """Writes the deliveries of every tenant that has endpoints."""

    def __init__(self, context: Context, keys: KeyRing, on_delivery: OnDelivery) -> None:
        self._context = context
        self._keys = keys
        self._on_delivery = on_delivery
        self._subscribed: set[UUID] = set()
        self._waiting: dict[UUID, None] = {}  # an ordered set
        self._wake = asyncio.Event()
        self._sweep_now = asyncio.Event()
        self._next_cleaning = 0.0

    def hint(self, tenant_ids: Iterable[UUID]) -> None:
        """Look soon at those of them that have endpoints."""
        for tenant_id in self._subscribed.intersection(tenant_ids):
            self._waiting[tenant_id] = None
            self._wake.set()

    def hint_all(self) -> None:
        """Look at every tenant soon: somebody changed endpoints, or hints may have been lost."""
        self._sweep_now.set()

    async def run(self) -> None:
        """Work until canceled; failures are logged and tried again with the next sweep."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._sweep_forever())
            for _ in range(WORKERS):
                group.create_task(self._work_forever())

    async def sweep(self) -> None:
        """Find out who has endpoints and who lags behind."""
        async with system_tx(self._context.database) as connection:
            tenants = await subscribed_tenants(connection)
        self._subscribed = set(tenants)
        self.hint(tenant_id for tenant_id, is_behind in tenants.items() if is_behind)

    async def work(self, tenant_id: UUID) -> bool:
        """Fan out one page of a tenant in one transaction; say whether more is probably waiting.

        Raises:
            asyncpg.PostgresError, OSError: nothing was changed; calling again is safe.
        """
        now = self._context.clock.now()
        async with tenant_tx(self._context.database, tenant_id) as connection:
            repository = WebhookRepository(connection, tenant_id)
            position = await repository.try_position()
            if position is None:
                return False
            # First the events, then the endpoints: an endpoint that was there before an event was
            # committed is seen with it.
            events = await read_events(connection, tenant_id, position, PAGE_EVENTS)
            if not events:
                return False
            subscribers = await list_subscribers(connection, tenant_id)
            endpoints = await write_deliveries(
                connection,
                self._keys,
                tenant_id,
                events,
                subscribers,
                ids=self._context.ids,
                now=now,
            )
            last = events[-1].position
            if subscribers:
                # Nobody wants what came before: not read page by page.
                last = max(last, min(one.after_position for one in subscribers))
            await repository.move_position(last)
        written = set(endpoints)
        for one in subscribers:
            if one.endpoint_id in written:
                self._on_delivery(tenant_id, one.endpoint_id, is_failing=one.is_failing)
        return len(events) == PAGE_EVENTS

    async def _sweep_forever(self) -> None:
        while True:
            try:
                await self.sweep()
                await self._clean()
            except Exception as error:
                log.warning("webhooks.sweep_failed", error=type(error).__name__)
            with suppress(TimeoutError):
                async with asyncio.timeout(SWEEP_S):
                    await self._sweep_now.wait()
            self._sweep_now.clear()

    async def _work_forever(self) -> None:
        while True:
            if not self._waiting:
                self._wake.clear()
                await self._wake.wait()
                continue
            tenant_id = next(iter(self._waiting))
            del self._waiting[tenant_id]
            try:
                if await self.work(tenant_id):
                    self._waiting[tenant_id] = None
            except Exception as error:
                log.warning(
                    "webhooks.fan_out_failed", tenant_id=str(tenant_id), error=type(error).__name__
                )

    async def _clean(self) -> None:
        """Delete what is too old, a bounded number per tenant and time."""
        now = asyncio.get_running_loop().time()
        if now < self._next_cleaning:
            return
        self._next_cleaning = now + FORGET_S
        before = first_id(self._context.clock.now() - KEPT)
        for tenant_id in self._subscribed:
            async with tenant_tx(self._context.database, tenant_id) as connection:
                await WebhookRepository(connection, tenant_id).forget(before, FORGET_ROWS)


def first_id(at: datetime) -> UUID:
    """Return the smallest UUIDv7 of a moment."""
    return UUID(int=int(at.timestamp() * 1000) << 80)
