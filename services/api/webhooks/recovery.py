"""Sending a range of events to an endpoint again."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from services.api.context import ProcessContext
from services.api.events.repository import EventRepository
from services.api.idempotency import Claim, claim_or_find, find_claim
from services.api.principal import Principal
from services.api.webhooks.deliveries import check_enabled
from services.api.webhooks.delivery_repository import DeliveryRepository
from services.api.webhooks.records import WebhookEndpoint
from services.api.webhooks.refusals import RecoveredJustNowError
from services.api.webhooks.repository import EndpointRepository
from services.api.webhooks.service import check_whole
from shared.contracts.webhooks import WAKE_WEBHOOKS
from shared.db.pool import Connection
from shared.db.tx import tenant_tx
from shared.webhooks.deliveries import StoredEvent, Subscriber, read_events, write_deliveries

PAUSE: Final = timedelta(minutes=1)
"""Between two recoveries of an endpoint."""

STEP: Final = 500
"""Events looked at, and at most written, per statement."""

MAX_RECOVERED: Final = 5_000
"""Deliveries of one request."""

MAX_LOOKED_AT: Final = 50_000
"""Events that one request looks at, however few of them are wanted."""

SLACK: Final = 500
"""Positions grow with time only nearly: a commit may be late. So many more are looked at."""


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """Which events to send again."""

    since: datetime
    """Inclusive."""
    until: datetime
    """Exclusive."""
    is_failed_only: bool
    """Not those that arrived."""
    after: int | None = None
    """Positions up to here were looked at before."""


class Recovered(msgspec.Struct, frozen=True, kw_only=True):
    """What a recovery came to."""

    count: int
    """Deliveries made."""
    next_since: datetime | None
    """Nothing that was not looked at happened before; None at the end of the range."""
    next_after: int | None
    """The position where the next request goes on; None at the end of the range."""


class _Walk(msgspec.Struct, kw_only=True):
    """How far a recovery is."""

    position: int
    """Looked at up to here."""
    end: int
    """The last position to look at."""
    looked_at: int = 0
    count: int = 0

    @property
    def is_over(self) -> bool:
        return self.position >= self.end

    @property
    def stopped_at(self) -> int | None:
        """Where it stopped before its end."""
        return None if self.is_over else self.position

    @property
    def is_full(self) -> bool:
        return self.count > MAX_RECOVERED - STEP or self.looked_at >= MAX_LOOKED_AT


class RecoveryService:
    """Recovers ranges, in bounded steps."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def recover(
        self, principal: Principal, claim: Claim | None, endpoint_id: UUID, wanted: Range
    ) -> tuple[Recovered, bool]:
        """Deliver the events of a range again; say as well whether this is a repeat.

        Raises:
            NotFoundError: no such endpoint.
            EndpointDisabledError: it gets nothing.
            RecoveredJustNowError: the last recovery was less than a minute ago.
        """
        check_whole(principal)
        context, tenant_id = self._context, principal.tenant_id
        now = context.clock.now()
        async with tenant_tx(context.database, tenant_id) as connection:
            tenant = await context.keys.tenant(connection, tenant_id)
            endpoints = EndpointRepository(connection, tenant)
            deliveries = DeliveryRepository(connection, tenant)
            await deliveries.lock_recovery(endpoint_id)
            endpoint = await endpoints.keep(endpoint_id)
            if claim is not None:
                earlier = await find_claim(connection, tenant_id, claim)
                if earlier is not None:
                    stopped_at = earlier.resource_id.int or None
                    count = earlier.sequence or 0
                    return await _recovered(deliveries, count, stopped_at, wanted), True
            _check_pause(endpoint, wanted, now)
            walk = await self._begin(EventRepository(connection, principal.bounds(now)), wanted)
            while not walk.is_over and not walk.is_full:
                await self._step(connection, deliveries, tenant_id, endpoint, wanted, walk)
            await endpoints.note_recovery(endpoint_id, now, walk.stopped_at)
            place = UUID(int=walk.stopped_at or 0)
            await claim_or_find(connection, tenant_id, claim, place, now, sequence=walk.count)
            recovered = await _recovered(deliveries, walk.count, walk.stopped_at, wanted)
        await context.publisher.tell(WAKE_WEBHOOKS, b"")
        return recovered, False

    async def _begin(self, events: EventRepository, wanted: Range) -> _Walk:
        head = await events.head()
        start = await events.floor(0, wanted.since)
        end = await events.floor(0, wanted.until)
        return _Walk(position=max(start - SLACK, wanted.after or 0), end=min(end + SLACK, head))

    async def _step(
        self,
        connection: Connection,
        deliveries: DeliveryRepository,
        tenant_id: UUID,
        endpoint: WebhookEndpoint,
        wanted: Range,
        walk: _Walk,
    ) -> None:
        context = self._context
        events = await read_events(connection, tenant_id, walk.position, STEP, until=walk.end)
        if not events:
            walk.position = walk.end
            return
        inside = [each for each in events if wanted.since <= each.occurred_at < wanted.until]
        settled = await deliveries.out_of_reach(
            endpoint.endpoint_id,
            [each.event_id for each in inside],
            is_arrival_enough=wanted.is_failed_only,
        )
        made = await write_deliveries(
            connection,
            context.keys,
            tenant_id,
            _without(inside, settled),
            [_subscriber(endpoint)],
            ids=context.ids,
            now=context.clock.now(),
            trigger="recover",
        )
        walk.position = events[-1].position
        walk.looked_at += len(events)
        walk.count += len(made)


async def _recovered(
    deliveries: DeliveryRepository, count: int, stopped_at: int | None, wanted: Range
) -> Recovered:
    if stopped_at is None:
        return Recovered(count=count, next_since=None, next_after=None)
    at = await deliveries.earliest(stopped_at, stopped_at + SLACK)
    since = wanted.since if at is None else max(at, wanted.since)
    return Recovered(count=count, next_since=since, next_after=stopped_at)


def _check_pause(endpoint: WebhookEndpoint, wanted: Range, now: datetime) -> None:
    check_enabled(endpoint)
    if wanted.after is not None and wanted.after == endpoint.recovery_position:
        return  # the rest of what was begun
    if endpoint.recovered_at is not None:
        wait = endpoint.recovered_at + PAUSE - now
        if wait > timedelta(0):
            raise RecoveredJustNowError(retry_after_s=int(wait.total_seconds()) + 1)


def _without(events: Iterable[StoredEvent], settled: frozenset[UUID]) -> list[StoredEvent]:
    return [each for each in events if each.event_id not in settled]


def _subscriber(endpoint: WebhookEndpoint) -> Subscriber:
    """Return what the endpoint wants today, of all times."""
    types, teams = endpoint.event_types, endpoint.team_ids
    return Subscriber(
        endpoint_id=endpoint.endpoint_id,
        event_types=None if types is None else frozenset(types),
        team_ids=None if teams is None else frozenset(teams),
        payload=endpoint.payload,
        after_position=0,
        is_failing=False,
    )
