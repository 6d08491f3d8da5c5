"""Reads and writes of the reporting tables, always in the transaction of the caller."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from uuid import UUID

import asyncpg
import msgspec

from services.reporting.trends.distributions import Distribution, distribution_of_counts
from services.reporting.trends.facts import Cell, Change, Fact
from services.reporting.trends.weekly import SkillBucket
from shared.contracts.base import Record
from shared.contracts.events import EventType
from shared.db.pool import Connection
from shared.db.sql import Queries

CONSUMER = "reporting"
"""Name of this consumer in `consumer_positions`."""

MOVING_EVENTS = [EventType.SCORING_COMPLETED.value, EventType.SCORING_REVISED.value]
"""Events after which a scoring counts with other numbers than before."""

_SQL = Queries("services.reporting")

_COUNTS = msgspec.json.Decoder(tuple[int, ...])
"""Reads the inside of an array's text; its brackets differ from JSON's."""


class FeedPage(Record, frozen=True, kw_only=True):
    """The next events of a tenant."""

    last: int
    """Position of the last one; the position asked from when there is none."""
    length: int
    scoring_ids: tuple[UUID, ...]
    """Scorings with a new result, each once."""


async def heads(connection: Connection) -> dict[UUID, int]:
    """Return the last position of every tenant that has events (system transaction)."""
    return {row["tenant_id"]: row["position"] for row in await connection.fetch(_SQL["heads"])}


async def try_position(connection: Connection, tenant_id: UUID) -> int | None:
    """Lock and return the consumer's position; None while another process holds it."""
    await connection.execute(_SQL["start_position"], tenant_id, CONSUMER)
    position: int | None = await connection.fetchval(_SQL["try_position"], tenant_id, CONSUMER)
    return position


async def lock_position(connection: Connection, tenant_id: UUID) -> int:
    """Wait for the consumer's position, lock and return it."""
    await connection.execute(_SQL["start_position"], tenant_id, CONSUMER)
    position: int = await connection.fetchval(_SQL["lock_position"], tenant_id, CONSUMER)
    return position


async def next_events(connection: Connection, tenant_id: UUID, after: int, limit: int) -> FeedPage:
    """Return up to `limit` events that follow a position."""
    row = await connection.fetchrow(_SQL["next_events"], tenant_id, after, limit, MOVING_EVENTS)
    if row is None or row["last"] is None:
        return FeedPage(last=after, length=0, scoring_ids=())
    return FeedPage(
        last=row["last"], length=row["length"], scoring_ids=tuple(row["scoring_ids"] or ())
    )


async def move_position(connection: Connection, tenant_id: UUID, position: int) -> None:
    """Store how far the consumer has come; the caller holds the lock."""
    await connection.execute(_SQL["move_position"], tenant_id, CONSUMER, position)


async def wanted_facts(
    connection: Connection, tenant_id: UUID, scoring_ids: Sequence[UUID]
) -> list[Fact]:
    """Return what the facts of these scorings must be now."""
    return await _facts(connection, "wanted_facts", tenant_id, scoring_ids)


async def stored_facts(
    connection: Connection, tenant_id: UUID, scoring_ids: Sequence[UUID]
) -> list[Fact]:
    """Return the stored facts of these scorings."""
    return await _facts(connection, "stored_facts", tenant_id, scoring_ids)


async def write_facts(connection: Connection, tenant_id: UUID, change: Change) -> None:
    """Apply a change to the facts; rollups are the caller's."""
    if change.dropped:
        scoring_ids, skills = zip(*change.dropped, strict=True)
        await connection.execute(_SQL["drop_facts"], tenant_id, scoring_ids, skills)
    if change.added:
        await connection.execute(
            _SQL["put_facts"],
            tenant_id,
            [fact.scoring_id for fact in change.added],
            [fact.skill for fact in change.added],
            [fact.revision for fact in change.added],
            [fact.team_id for fact in change.added],
            [fact.person_id for fact in change.added],
            [fact.source for fact in change.added],
            [fact.day for fact in change.added],
            [fact.score for fact in change.added],
        )


async def move_rollups(
    connection: Connection, tenant_id: UUID, moves: Mapping[Cell, Distribution]
) -> None:
    """Add differences to rollups; one that reaches zero goes.

    Raises:
        asyncpg.CheckViolationError: a rollup would count less than nothing: it needs a rebuild.
    """
    await _write_rollups(connection, "move_rollups", tenant_id, moves)


async def set_rollups(
    connection: Connection, tenant_id: UUID, rollups: Mapping[Cell, Distribution]
) -> None:
    """Store rollups as given, whatever was there."""
    await _write_rollups(connection, "set_rollups", tenant_id, rollups)


async def drop_rollups(connection: Connection, tenant_id: UUID, cells: Collection[Cell]) -> None:
    """Delete rollups."""
    if cells:
        await connection.execute(_SQL["drop_rollups"], tenant_id, *zip(*cells, strict=True))


async def team_rollups(
    connection: Connection,
    tenant_id: UUID,
    team_id: UUID,
    skill: str | None,
    sources: tuple[str, ...],
    first: date,
    last: date,
) -> list[SkillBucket]:
    """Return a team's rollups whose bucket starts between two days, both inclusive, in no order."""
    rows = await connection.fetch(
        _SQL["team_rollups"], tenant_id, team_id, skill, sources, first, last
    )
    return [
        SkillBucket(skill=row["skill"], bucket=row["bucket"], distribution=_distribution(row))
        for row in rows
    ]


async def scoring_page(
    connection: Connection, tenant_id: UUID, after: UUID, limit: int
) -> list[UUID]:
    """Return the next scorings that have facts or may have them, by id."""
    rows = await connection.fetch(_SQL["scoring_page"], tenant_id, after, limit)
    return [row["scoring_id"] for row in rows]


async def pending_scorings(
    connection: Connection, tenant_id: UUID, position: int, scoring_ids: Sequence[UUID]
) -> set[UUID]:
    """Return which of the scorings have an event after `position` or one without a position."""
    rows = await connection.fetch(
        _SQL["pending_scorings"],
        tenant_id,
        position,
        MOVING_EVENTS,
        scoring_ids,
    )
    return {row["resource_id"] for row in rows}


async def rollup_teams(connection: Connection, tenant_id: UUID) -> list[UUID]:
    """Return every team that has facts or rollups."""
    return [row["team_id"] for row in await connection.fetch(_SQL["rollup_teams"], tenant_id)]


async def counted_facts(
    connection: Connection, tenant_id: UUID, team_id: UUID
) -> dict[Cell, Distribution]:
    """Return what a team's rollups must be, counted from its facts without any code of the fold."""
    counts: dict[Cell, dict[int, int]] = defaultdict(dict)
    for row in await connection.fetch(_SQL["counted_facts"], tenant_id, team_id):
        counts[_cell(team_id, row)][row["score"]] = row["amount"]
    return {cell: distribution_of_counts(amounts) for cell, amounts in counts.items()}


async def stored_rollups(
    connection: Connection, tenant_id: UUID, team_id: UUID
) -> dict[Cell, Distribution]:
    """Return a team's rollups as they stand."""
    rows = await connection.fetch(_SQL["stored_rollups"], tenant_id, team_id)
    return {_cell(team_id, row): _distribution(row) for row in rows}


async def _facts(
    connection: Connection, query: str, tenant_id: UUID, scoring_ids: Sequence[UUID]
) -> list[Fact]:
    rows = await connection.fetch(_SQL[query], tenant_id, scoring_ids)
    return [Fact(**row) for row in rows]


async def _write_rollups(
    connection: Connection, query: str, tenant_id: UUID, rollups: Mapping[Cell, Distribution]
) -> None:
    if not rollups:
        return
    whole = rollups.values()
    await connection.execute(
        _SQL[query],
        tenant_id,
        *zip(*rollups, strict=True),
        [row.n for row in whole],
        [row.total for row in whole],
        [row.squares for row in whole],
        [f"{{{','.join(map(str, row.histogram))}}}" for row in whole],
    )


def _distribution(row: asyncpg.Record) -> Distribution:
    return Distribution(
        n=row["n"],
        total=row["total"],
        squares=row["squares"],
        histogram=_COUNTS.decode(f"[{row['histogram'][1:-1]}]"),
    )


def _cell(team_id: UUID, row: asyncpg.Record) -> Cell:
    return Cell(team_id, row["skill"], row["source"], row["bucket"])
