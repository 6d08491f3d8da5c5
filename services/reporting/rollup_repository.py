"""Reads and writes of rollups, always in the transaction of the caller."""

import struct
from collections import defaultdict
from collections.abc import Collection, Container, Mapping
from uuid import UUID

import asyncpg

from services.reporting.repository import SQL
from services.reporting.trends.facts import Cell
from services.reporting.trends.rollups import Rollup
from shared.db.pool import Connection


async def some(
    connection: Connection, tenant_id: UUID, cells: Collection[Cell]
) -> dict[Cell, Rollup]:
    """Return those of the rollups that exist."""
    if not cells:
        return {}
    rows = await connection.fetch(SQL["some_rollups"], tenant_id, *zip(*cells, strict=True))
    return {_cell(row): _rollup(row) for row in rows}


async def write(
    connection: Connection,
    tenant_id: UUID,
    rollups: Mapping[Cell, Rollup | None],
    known: Container[Cell],
) -> None:
    """Store rollups as given; None deletes.

    Args:
        connection: holds the tenant's position lock: nobody else writes rollups.
        tenant_id: whose.
        rollups: what shall stand there.
        known: those that exist.
    """
    gone = [cell for cell, rollup in rollups.items() if rollup is None]
    if gone:
        await connection.execute(SQL["drop_rollups"], tenant_id, *zip(*gone, strict=True))
    kept = {cell: rollup for cell, rollup in rollups.items() if rollup is not None}
    changed = {cell: rollup for cell, rollup in kept.items() if cell in known}
    await _send(connection, "change_rollups", tenant_id, changed)
    new = {cell: rollup for cell, rollup in kept.items() if cell not in known}
    await _send(connection, "insert_rollups", tenant_id, new)


async def teams(connection: Connection, tenant_id: UUID) -> list[UUID]:
    """Return every team that has facts or rollups."""
    return [row["team_id"] for row in await connection.fetch(SQL["rollup_teams"], tenant_id)]


async def of_team(connection: Connection, tenant_id: UUID, team_id: UUID) -> dict[Cell, Rollup]:
    """Return a team's rollups as they stand."""
    rows = await connection.fetch(SQL["stored_rollups"], tenant_id, team_id)
    return {_cell(row): _rollup(row) for row in rows}


async def counted(connection: Connection, tenant_id: UUID, team_id: UUID) -> dict[Cell, Rollup]:
    """Return what a team's rollups must be, counted from its facts without any code of the fold."""
    scores: dict[Cell, dict[int, int]] = defaultdict(dict)
    for row in await connection.fetch(SQL["counted_scores"], tenant_id, team_id):
        scores[_cell(row, team_id)][row["score"]] = row["amount"]
    people: dict[Cell, bytearray] = defaultdict(bytearray)
    for row in await connection.fetch(SQL["counted_people"], tenant_id, team_id):
        record = struct.pack("<16sii", row["person_id"].bytes, row["n"], row["total"])
        people[_cell(row, team_id)] += record
    return {
        cell: Rollup(
            n=sum(amounts.values()),
            total=sum(score * amount for score, amount in amounts.items()),
            squares=sum(score * score * amount for score, amount in amounts.items()),
            histogram=struct.pack("<101i", *(amounts.get(score, 0) for score in range(101))),
            people=bytes(people[cell]),
        )
        for cell, amounts in scores.items()
    }


async def drop_months(connection: Connection, tenant_id: UUID) -> None:
    """Drop all that is kept of months: it is made again when somebody asks."""
    await connection.execute(SQL["drop_months"], tenant_id)


async def _send(
    connection: Connection, query: str, tenant_id: UUID, rollups: Mapping[Cell, Rollup]
) -> None:
    if rollups:
        rows = rollups.values()
        await connection.execute(
            SQL[query],
            tenant_id,
            *zip(*rollups, strict=True),
            [row.n for row in rows],
            [row.total for row in rows],
            [row.squares for row in rows],
            [row.histogram for row in rows],
            [row.people for row in rows],
        )


def _cell(row: asyncpg.Record, team_id: UUID | None = None) -> Cell:
    return Cell(team_id or row["team_id"], row["skill"], row["source"], row["bucket"])


def _rollup(row: asyncpg.Record) -> Rollup:
    return Rollup(
        n=row["n"],
        total=row["total"],
        squares=row["squares"],
        histogram=row["histogram"],
        people=row["people"],
    )
