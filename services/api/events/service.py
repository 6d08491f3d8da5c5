"""Reading the feed of events by position."""

from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from services.api.context import ProcessContext
from services.api.events.repository import EventRepository
from services.api.principal import Principal
from shared.contracts.event_catalog import CATALOG, PREFIXES, PublicEvent, Resource
from shared.contracts.events import EventType
from shared.db.tx import tenant_tx

KEPT: Final = timedelta(days=30)
"""How far back the feed goes."""

SCANNED: Final = 5000
"""Positions that one answer looks at when most of them may be left out: bounds the work of a
request, whatever its filters.
"""


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of the feed."""

    events: list[PublicEvent]
    next_after: int
    has_more: bool
    skipped: int


class About(msgspec.Struct, frozen=True, kw_only=True):
    """Which resource a caller asks for."""

    resource: Resource
    resource_id: UUID


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Where a caller goes on, and what of the feed is wanted."""

    after: int
    limit: int
    event_type: EventType | None = None
    about: About | None = None


class EventService:
    """Reads the feed."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def feed(self, principal: Principal, wanted: Wanted) -> Slice:
        """Return up to `limit` events after a position, and where to go on."""
        after, limit, about = wanted.after, wanted.limit, wanted.about
        context = self._context
        now = context.clock.now()
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            repository = EventRepository(connection, principal.bounds(now))
            head = await repository.head()
            if after >= head:
                return Slice(events=[], next_after=after, has_more=False, skipped=0)
            start = await repository.floor(after, now - KEPT)
            types = _types(wanted.event_type, about)
            if about is not None:
                upto = head
                events = await repository.list_of_resource(
                    about.resource_id, start, upto, types, limit + 1
                )
            else:
                upto = min(head, start + SCANNED)
                events = await repository.list_range(start, upto, types, limit + 1)
        is_full = len(events) > limit
        events = events[:limit]
        next_after = events[-1].position if is_full else upto
        return Slice(
            events=events,
            next_after=next_after,
            has_more=next_after < head,
            skipped=start - after,
        )


def _types(event_type: EventType | None, about: About | None) -> tuple[EventType, ...]:
    """Return the types to look for: never those that only a newer release knows, whose processes
    may be writing beside this one.
    """
    wanted = tuple(CATALOG) if event_type is None else (event_type,)
    if about is None:
        return wanted
    return tuple(each for each in wanted if CATALOG[each].resource == about.resource)


def resource_of(prefix: str) -> Resource:
    """Return the kind of resource whose ids begin so; raises `KeyError`."""
    return {value: name for name, value in PREFIXES.items()}[prefix]
