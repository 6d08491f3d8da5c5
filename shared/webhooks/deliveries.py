"""From events to deliveries: which endpoint wants which event, and the bytes it will get."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from shared.contracts.base import Record
from shared.contracts.event_catalog import CATALOG, PublicEvent, public_event
from shared.contracts.events import EventType
from shared.contracts.webhooks import MAX_BODY_BYTES, Payload, Trigger
from shared.db.keys import KeyRing
from shared.db.pool import Connection
from shared.db.sealed import SealKey
from shared.db.sql import Queries
from shared.ids import IdMaker
from shared.webhooks.facts import Facts, read_facts
from shared.webhooks.sealing import BODY

SQL: Final = Queries("shared.webhooks")

LAST: Final = 2**62
"""A position that no tenant reaches."""


class StoredEvent(Record, frozen=True, kw_only=True):
    """An event that has its position."""

    event_id: UUID
    type: EventType
    resource_id: UUID
    sequence: int
    position: int
    data: dict[str, Any]
    occurred_at: datetime

    def public(self) -> PublicEvent:
        """Return it as partners see it."""
        return public_event(
            event_id=self.event_id,
            event_type=self.type,
            resource_id=self.resource_id,
            sequence=self.sequence,
            position=self.position,
            occurred_at=self.occurred_at,
            facts=self.data,
        )


class Subscriber(Record, frozen=True, kw_only=True):
    """What an endpoint wants."""

    endpoint_id: UUID
    event_types: frozenset[str] | None
    """None: all."""
    team_ids: frozenset[UUID] | None
    """None: all; else only what is about people of these teams, and the health of endpoints."""
    payload: Payload
    after_position: int
    is_failing: bool
    """Its last attempt failed."""

    def wants(self, event: StoredEvent, team_id: UUID | None) -> bool:
        """Say whether this event is for it; `team_id` is that of the event's person."""
        if event.position <= self.after_position:
            return False
        if self.event_types is not None and event.type not in self.event_types:
            return False
        if CATALOG[event.type].resource == "webhook_endpoint":
            # The trouble of an endpoint is told to the others.
            return event.resource_id != self.endpoint_id
        return self.team_ids is None or team_id in self.team_ids


class Body(Record, frozen=True, kw_only=True):
    """The bytes of a delivery, and the key that seals them."""

    content: bytes
    key: SealKey
    learner_id: UUID | None
    """Whose key that is; None: the tenant's."""


async def read_events(
    connection: Connection, tenant_id: UUID, after: int, limit: int, *, until: int = LAST
) -> list[StoredEvent]:
    """Return placed events with `after` < position <= `until`, in their order."""
    rows = await connection.fetch(SQL["events_after"], tenant_id, after, until, limit)
    return [
        msgspec.convert({**row, "data": msgspec.json.decode(row["data"])}, StoredEvent)
        for row in rows
    ]


async def list_subscribers(connection: Connection, tenant_id: UUID) -> list[Subscriber]:
    """Return the enabled endpoints; they cannot be deleted until the transaction ends."""
    rows = await connection.fetch(SQL["subscribers"], tenant_id)
    return [msgspec.convert(dict(row), Subscriber) for row in rows]


async def write_deliveries(
    connection: Connection,
    keys: KeyRing,
    tenant_id: UUID,
    events: Sequence[StoredEvent],
    subscribers: Sequence[Subscriber],
    *,
    ids: IdMaker,
    now: datetime,
    trigger: Trigger = "event",
) -> list[UUID]:
    """Write the deliveries of these events, due at once, in the caller's transaction.

    With the trigger `event` a repeat writes nothing again.

    Returns:
        The endpoint of every delivery: as many entries as were written or there already.
    """
    wanted = await _match(connection, tenant_id, events, subscribers)
    if not wanted:
        return []
    is_fat = any(subscriber.payload == "fat" for _, subscriber in wanted)
    facts = await read_facts(connection, keys, tenant_id, events) if is_fat else {}
    tenant_key = await keys.tenant(connection, tenant_id)
    thin = {event.event_id: _thin(event, tenant_key) for event, _ in wanted}
    fat = {event.event_id: _fat(event, facts) or thin[event.event_id] for event, _ in wanted}
    rows = []
    for event, subscriber in wanted:
        body = (fat if subscriber.payload == "fat" else thin)[event.event_id]
        delivery_id = ids.new()
        sealed = body.key.seal(body.content, BODY, delivery_id.bytes)
        head = (delivery_id, subscriber.endpoint_id, event.event_id, event.type.value)
        rows.append((*head, event.position, body.learner_id, sealed))
    await connection.execute(
        SQL["insert_deliveries"], tenant_id, *map(list, zip(*rows, strict=True)), trigger, now
    )
    return [subscriber.endpoint_id for _, subscriber in wanted]


async def _match(
    connection: Connection,
    tenant_id: UUID,
    events: Sequence[StoredEvent],
    subscribers: Sequence[Subscriber],
) -> list[tuple[StoredEvent, Subscriber]]:
    teams: Iterable[UUID | None] = [None] * len(events)
    if any(subscriber.team_ids is not None for subscriber in subscribers):
        rows = await connection.fetch(
            SQL["teams_of_events"],
            tenant_id,
            [event.resource_id for event in events],
            [CATALOG[event.type].resource for event in events],
            [event.occurred_at for event in events],
        )
        teams = [row["team_id"] for row in rows]
    return [
        (event, subscriber)
        for event, team_id in zip(events, teams, strict=True)
        for subscriber in subscribers
        if subscriber.wants(event, team_id)
    ]


def _thin(event: StoredEvent, tenant_key: SealKey) -> Body:
    return Body(content=msgspec.json.encode(event.public()), key=tenant_key, learner_id=None)


def _fat(event: StoredEvent, facts: dict[UUID, Facts]) -> Body | None:
    """Return the event with the present facts of its resource under `object`.

    None: there are none, or too many; then the event goes out thin.
    """
    found = facts.get(event.event_id)
    if found is None:
        return None
    public = event.public()
    public.data["object"] = found.content
    content = msgspec.json.encode(public)
    if len(content) > MAX_BODY_BYTES:
        return None
    return Body(content=content, key=found.key, learner_id=found.learner_id)
