"""What fat events say beyond thin ones: the present state of their resource, its numbers, whom it
is about, and what the customer said.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol
from uuid import UUID

import msgspec

from shared.contracts.base import Record
from shared.contracts.event_catalog import CATALOG
from shared.contracts.events import EventType
from shared.db.keys import KeyRing
from shared.db.pool import Connection
from shared.db.sealed import SealKey, TenantKey, turn_row
from shared.db.sql import Queries
from shared.ids import format_id

SQL: Final = Queries("shared.webhooks")

_QUERIES: Final = {
    "simulation": "simulation_facts",
    "scoring": "scoring_facts",
    "operation": "operation_facts",
}
"""Statement with the facts of a kind of resource."""

_NOT_AS_IT_IS: Final = frozenset(
    {"resource_id", "learner_id", "assessment_id", "revision", "overall", "skills"}
)
"""Columns that are shown in another form or not at all."""


class Event(Protocol):
    """What this module needs of an event."""

    @property
    def event_id(self) -> UUID: ...
    @property
    def type(self) -> EventType: ...
    @property
    def resource_id(self) -> UUID: ...
    @property
    def data(self) -> dict[str, Any]: ...


class Facts(Record, frozen=True, kw_only=True):
    """The `object` of a fat event, and whose key seals it."""

    content: dict[str, Any]
    key: SealKey
    learner_id: UUID | None
    """None: about nobody in particular, the tenant's key."""


class _Person(Record, frozen=True, kw_only=True):
    external_id: str
    key: SealKey


async def read_facts(
    connection: Connection, keys: KeyRing, tenant_id: UUID, events: Sequence[Event]
) -> dict[UUID, Facts]:
    """Return the facts by event id; nothing for what is about an erased person."""
    rows = await _resources(connection, tenant_id, events)
    people = await _people(connection, keys, tenant_id, rows.values())
    turns = await _turns(connection, tenant_id, events)
    tenant_key = await keys.tenant(connection, tenant_id)
    found: dict[UUID, Facts] = {}
    for event in events:
        row = rows.get((CATALOG[event.type].resource, event.resource_id))
        if row is None:
            continue
        content = _public(row)
        learner_id = row["learner_id"]
        if learner_id is None:
            found[event.event_id] = Facts(content=content, key=tenant_key, learner_id=None)
            continue
        person = people.get(learner_id)
        if person is None:
            continue
        content["learner"] = {
            "id": format_id("lrn", learner_id),
            "external_id": person.external_id,
        }
        if event.type is EventType.TURN_COMPLETED:
            seq = event.data["seq"]
            content["turn"] = _turn(person, turns, event.resource_id, seq)
        found[event.event_id] = Facts(content=content, key=person.key, learner_id=learner_id)
    return found


async def _resources(
    connection: Connection, tenant_id: UUID, events: Sequence[Event]
) -> dict[tuple[str, UUID], Mapping[str, Any]]:
    rows: dict[tuple[str, UUID], Mapping[str, Any]] = {}
    for resource, query in _QUERIES.items():
        wanted = {event.resource_id for event in events if CATALOG[event.type].resource == resource}
        if wanted:
            for row in await connection.fetch(SQL[query], tenant_id, list(wanted)):
                rows[resource, row["resource_id"]] = dict(row)
    return rows


async def _people(
    connection: Connection, keys: KeyRing, tenant_id: UUID, rows: Any
) -> dict[UUID, _Person]:
    wanted = {row["learner_id"] for row in rows} - {None}
    if not wanted:
        return {}
    tenant = await keys.tenant(connection, tenant_id)
    rows_found = await connection.fetch(SQL["learners"], tenant_id, list(wanted))
    return {
        row["learner_id"]: _person(tenant, dict(row))
        for row in rows_found
        if row["wrapped"] is not None
    }


def _person(tenant: TenantKey, row: Mapping[str, Any]) -> _Person:
    key = tenant.learner_key(row["learner_id"], row["wrapped"])
    return _Person(
        external_id=key.open_text(
            row["external_id"], "learners.external_id", row["learner_id"].bytes
        ),
        key=key,
    )


async def _turns(
    connection: Connection, tenant_id: UUID, events: Sequence[Event]
) -> dict[tuple[UUID, int], bytes]:
    wanted = [
        (event.resource_id, event.data["seq"])
        for event in events
        if event.type is EventType.TURN_COMPLETED
    ]
    if not wanted:
        return {}
    rows = await connection.fetch(
        SQL["turn_texts"], tenant_id, *map(list, zip(*wanted, strict=True))
    )
    return {(row["simulation_id"], row["seq"]): row["text"] for row in rows}


def _turn(
    person: _Person, turns: dict[tuple[UUID, int], bytes], simulation_id: UUID, seq: int
) -> dict[str, Any] | None:
    sealed = turns.get((simulation_id, seq))
    if sealed is None:
        return None
    text = person.key.open_text(sealed, "turns.text", turn_row(simulation_id, seq))
    return {"seq": seq, "role": "customer", "text": text}


def _public(row: Mapping[str, Any]) -> dict[str, Any]:
    content = {name: _plain(value) for name, value in row.items() if name not in _NOT_AS_IT_IS}
    if "skills" in row:
        content["assessment"] = _assessment(row)
    return content


def _assessment(row: Mapping[str, Any]) -> dict[str, Any] | None:
    if row["assessment_id"] is None:
        return None
    return {
        "id": format_id("asm", row["assessment_id"]),
        "revision": row["revision"],
        "overall": row["overall"],
        "skills": msgspec.json.decode(row["skills"] or "[]"),
    }


def _plain(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value
