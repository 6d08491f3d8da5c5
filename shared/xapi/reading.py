"""From events to happenings: one statement per kind of resource, however many events."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from shared.contracts.base import Record
from shared.contracts.events import EventType
from shared.contracts.scoring import JudgeResult
from shared.db.pool import Connection
from shared.db.sealed import SealKey, TenantKey
from shared.db.sql import Queries
from shared.ids import format_id
from shared.xapi.statements import Happening, Judged, Played
from shared.xapi.vocabulary import Actor

SQL: Final = Queries("shared.xapi")

STATED: Final = (
    EventType.SIMULATION_STARTED,
    EventType.SIMULATION_ENDED,
    EventType.SCORING_COMPLETED,
    EventType.SCORING_REVISED,
)
"""Events that statements are made of; `queries.sql` and an index name them as well."""

_OF_SIMULATIONS: Final = STATED[:2]

_RESULT = msgspec.json.Decoder(JudgeResult)

Bounds = tuple[UUID, UUID | None, list[UUID] | None, date]
"""Tenant, bound learner, bound teams, today."""


class StatedEvent(Record, frozen=True, kw_only=True):
    """An event that may become statements."""

    event_id: UUID
    type: EventType
    resource_id: UUID
    sequence: int
    position: int
    data: Mapping[str, Any]
    occurred_at: datetime


def stated(row: asyncpg.Record) -> StatedEvent:
    """Return the event behind a row."""
    return StatedEvent(
        event_id=row["event_id"],
        type=EventType(row["type"]),
        resource_id=row["resource_id"],
        sequence=row["sequence"],
        position=row["position"],
        data=msgspec.json.decode(row["data"]),
        occurred_at=row["occurred_at"],
    )


def everybody(tenant_id: UUID) -> Bounds:
    """Return the bounds of who may see all people of a tenant."""
    return (tenant_id, None, None, date.min)


async def read_happenings(
    connection: Connection,
    tenant: TenantKey,
    bounds: Bounds,
    events: Sequence[StatedEvent],
    actor: Actor,
) -> list[Happening]:
    """Return what happened, in the order of the events.

    Nothing is said of erased people, of those outside the bounds, and of what nobody practiced.
    """
    simulations = [each.resource_id for each in events if each.type in _OF_SIMULATIONS]
    assessments = [_assessment(each) for each in events if each.type not in _OF_SIMULATIONS]
    played = await _rows(connection, "simulations", "simulation_id", bounds, simulations)
    judged = await _rows(connection, "assessments", "assessment_id", bounds, assessments)
    found = []
    for event in events:
        if event.type in _OF_SIMULATIONS:
            row = played.get(event.resource_id)
            facts = {} if row is None else _practice(row)
        else:
            row = judged.get(_assessment(event))
            facts = {} if row is None else _revision(row, tenant)
        if row is not None:
            found.append(_happening(event, _name(row, tenant, actor), facts))
    return found


def _assessment(event: StatedEvent) -> UUID:
    return UUID(event.data["assessment_id"])


async def _rows(
    connection: Connection, query: str, key: str, bounds: Bounds, ids: Sequence[UUID]
) -> dict[UUID, asyncpg.Record]:
    if not ids:
        return {}
    rows = await connection.fetch(SQL[query], *bounds, sorted(set(ids)))
    return {row[key]: row for row in rows}


def _happening(event: StatedEvent, actor: str, facts: Mapping[str, Any]) -> Happening:
    return Happening(
        event_id=event.event_id,
        type=event.type,
        resource_id=event.resource_id,
        sequence=event.sequence,
        position=event.position,
        occurred_at=event.occurred_at,
        actor=actor,
        **facts,
    )


def _name(row: asyncpg.Record, tenant: TenantKey, actor: Actor) -> str:
    learner_id: UUID = row["learner_id"]
    if actor == "learner_id":
        return format_id("lrn", learner_id)
    key = _key(row, tenant)
    return key.open_text(row["external_id"], "learners.external_id", learner_id.bytes)


def _key(row: asyncpg.Record, tenant: TenantKey) -> SealKey:
    return tenant.learner_key(row["learner_id"], row["wrapped"])


def _practice(row: asyncpg.Record) -> dict[str, Any]:
    ended_at: datetime | None = row["ended_at"]
    duration: timedelta | None = None if ended_at is None else ended_at - row["created_at"]
    return {"played": _played(row), "end_reason": row["end_reason"], "duration": duration}


def _played(row: asyncpg.Record) -> Played:
    return Played(
        scenario_id=row["scenario_id"],
        title=row["title"],
        version=row["scenario_version"],
        language=row["language"],
    )


def _revision(row: asyncpg.Record, tenant: TenantKey) -> dict[str, Any]:
    assessment_id: UUID = row["assessment_id"]
    sealed = _key(row, tenant).open(row["result"], "assessments.result", assessment_id.bytes)
    judged = Judged(
        assessment_id=assessment_id,
        revision=row["revision"],
        rubric_id=row["rubric_id"],
        rubric_title=row["rubric_title"],
        rubric_version=row["rubric_version"],
        source=row["source"],
        result=_RESULT.decode(sealed),
    )
    return {"judged": judged, "played": None if row["scenario_id"] is None else _played(row)}
