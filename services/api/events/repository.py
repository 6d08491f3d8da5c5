"""Placed events in Postgres, read for a caller."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from services.api.principal import Bounds
from shared.contracts.event_catalog import PublicEvent, public_event
from shared.contracts.events import EventType
from shared.db.pool import Connection
from shared.db.sql import Queries

_SQL = Queries("services.api.events")
_LIST, _LIST_OF_RESOURCE = (
    _SQL[name].format(is_visible=_SQL["is_visible"])
    for name in ("list_events", "list_events_of_resource")
)


class EventRepository:
    """Queries of one transaction; each is limited to what the caller may see."""

    def __init__(self, connection: Connection, bounds: Bounds) -> None:
        self._connection = connection
        self._bounds = bounds
        self._tenant_id = bounds[0]

    async def head(self) -> int:
        """Return the highest position of the tenant; 0 before its first event."""
        value: int | None = await self._connection.fetchval(_SQL["feed_head"], self._tenant_id)
        return value or 0

    async def floor(self, after: int, since: datetime) -> int:
        """Return the position after which the feed begins: `after`, unless what follows it is
        older than `since`.
        """
        following = await self._connection.fetchval(_SQL["occurred_at"], self._tenant_id, after + 1)
        if following is not None and following >= since:
            return after
        old: int | None = await self._connection.fetchval(
            _SQL["feed_floor"], self._tenant_id, since
        )
        return max(after, old or 0)

    async def list_range(
        self, after: int, upto: int, types: Sequence[EventType], limit: int
    ) -> list[PublicEvent]:
        """Return up to `limit` events with `after < position <= upto`, in order."""
        rows = await self._connection.fetch(
            _LIST, *self._bounds, after, upto, _values(types), limit
        )
        return [_event(row) for row in rows]

    async def list_of_resource(
        self, resource_id: UUID, after: int, upto: int, types: Sequence[EventType], limit: int
    ) -> list[PublicEvent]:
        """Likewise, of one resource."""
        rows = await self._connection.fetch(
            _LIST_OF_RESOURCE,
            *self._bounds,
            after,
            upto,
            _values(types),
            limit,
            resource_id,
        )
        return [_event(row) for row in rows]


def _values(types: Sequence[EventType]) -> list[str]:
    return [each.value for each in types]


def _event(row: asyncpg.Record) -> PublicEvent:
    return public_event(
        event_id=row["event_id"],
        event_type=EventType(row["type"]),
        resource_id=row["resource_id"],
        sequence=row["sequence"],
        position=row["position"],
        occurred_at=row["occurred_at"],
        facts=msgspec.json.decode(row["data"]),
    )
