"""What teams did, read for a program's report."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

import asyncpg

from services.reporting.trends.limits import Kind
from services.reporting.trends.roi_tally import PersonRow, Spot
from shared.db.pool import Connection
from shared.db.sql import Queries

_SQL = Queries("services.reporting.roi")


class Span(NamedTuple):
    """Teams and whole months: what blocks of enough people are made of."""

    tenant_id: UUID
    teams: Sequence[UUID]
    first: date
    """First day of a month."""
    last: date
    """Last day of a month."""


async def people(
    connection: Connection, tenant_id: UUID, learners: Sequence[UUID]
) -> dict[UUID, UUID]:
    """Return the person of each learner; who is unknown is left out."""
    rows = await connection.fetch(_SQL["people"], tenant_id, learners)
    return {row["learner_id"]: row["person_id"] for row in rows}


async def teams_of(
    connection: Connection, tenant_id: UUID, known: dict[UUID, UUID], first: date, last: date
) -> list[UUID]:
    """Return every team in which one of these people (by learner) was between two days."""
    scored = await connection.fetch(
        _SQL["teams_of_people"], tenant_id, list(known.values()), first, last
    )
    member = await connection.fetch(_SQL["teams_of_learners"], tenant_id, list(known), first, last)
    return sorted({row["team_id"] for row in (*scored, *member)})


async def rollups(connection: Connection, span: Span) -> dict[Kind, list[tuple[Spot, bytes]]]:
    """Return who scored how much in each skill, practice and real calls apart."""
    found: dict[Kind, list[tuple[Spot, bytes]]] = {"practice": [], "real": []}
    for row in await connection.fetch(_SQL["rollups"], *span):
        kind: Kind = "practice" if row["source"] == "simulation" else "real"
        spot = Spot(row["team_id"], row["skill"], row["bucket"])
        found[kind].append((spot, row["people"]))
    return found


async def practice(connection: Connection, span: Span) -> list[PersonRow]:
    """Return how often people practiced, under the key `practice`."""
    return _rows(await connection.fetch(_SQL["practice"], *span))


async def surveys(
    connection: Connection, span: Span, forms: Sequence[str], asked: str
) -> list[PersonRow]:
    """Return answers per person, under each form's name, in the unit of its kind.

    Args:
        connection: inside the tenant's transaction.
        span: whose and when.
        forms: names of surveys.
        asked: `customer` or `learner`: forms that ask somebody else are left out.
    """
    if not forms:
        return []
    return _rows(await connection.fetch(_SQL["surveys"], *span, forms, asked))


async def contacts(connection: Connection, span: Span, keys: Sequence[str]) -> list[PersonRow]:
    """Return facts of real calls per person: `handle_time`, `first_contact_resolution`."""
    if not keys:
        return []
    return _rows(await connection.fetch(_SQL["contacts"], *span, keys))


def _rows(rows: Sequence[asyncpg.Record]) -> list[PersonRow]:
    return [
        PersonRow(
            Spot(row["team_id"], row["key"], row["bucket"]),
            row["person_id"],
            row["n"],
            row["total"],
        )
        for row in rows
    ]
