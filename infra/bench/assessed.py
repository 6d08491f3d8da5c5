"""Many assessments at once, written as the owner of a database: what reporting has to fold."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import asyncpg

from shared.db.sql import Queries

_SQL = Queries("infra.bench", "assessed.sql")

START = datetime(2025, 6, 1, tzinfo=UTC)
"""When the first conversation was held."""

CHUNK = 10_000
"""Scorings written by one statement."""


class Shape(NamedTuple):
    """How much, and how it is spread."""

    assessments: int
    teams: int = 20
    people: int = 400
    skills: int = 12
    days: int = 90
    """Over which the conversations are spread evenly."""


async def seed(
    connection: "asyncpg.Connection[asyncpg.Record]", tenant_id: UUID, shape: Shape
) -> None:
    """Write a tenant with its people and assessments, each with an event that has its position.

    `connection` is a superuser's: triggers and foreign keys are off meanwhile.
    """
    async with connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        await connection.execute(_SQL["tenant"], tenant_id)
        await connection.execute(_SQL["teams"], tenant_id, shape.teams)
        await connection.execute(_SQL["learners"], tenant_id, shape.people)
        await connection.execute(_SQL["memberships"], tenant_id, shape.people, shape.teams)
        step = timedelta(days=shape.days) / shape.assessments
        for first in range(1, shape.assessments + 1, CHUNK):
            last = min(first + CHUNK - 1, shape.assessments)
            await connection.execute(
                _SQL["scorings"], tenant_id, first, last, shape.people, START, step
            )
            await _revise(connection, tenant_id, (first, last), 1, shape.skills)
        await place(connection, tenant_id)
    await connection.execute("analyze")


async def revise(
    connection: "asyncpg.Connection[asyncpg.Record]",
    tenant_id: UUID,
    scorings: tuple[int, int],
    revision: int,
    skills: int,
) -> None:
    """Give the scorings from the first to the last number a later revision.

    Their events have no position until `place`.
    """
    async with connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        await _revise(connection, tenant_id, scorings, revision, skills)


async def place(connection: "asyncpg.Connection[asyncpg.Record]", tenant_id: UUID) -> None:
    """Give the events that wait their positions, as the relay does."""
    await connection.execute(_SQL["place"], tenant_id)


async def _revise(
    connection: "asyncpg.Connection[asyncpg.Record]",
    tenant_id: UUID,
    scorings: tuple[int, int],
    revision: int,
    skills: int,
) -> None:
    await connection.execute(_SQL["assessments"], tenant_id, *scorings, revision)
    await connection.execute(_SQL["skills"], tenant_id, *scorings, revision, skills)
    await connection.execute(_SQL["events"], tenant_id, *scorings, revision)
