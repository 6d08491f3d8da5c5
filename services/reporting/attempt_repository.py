"""Reads and writes of attempts and facts, always in the transaction of the caller."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import asyncpg

from services.reporting.repository import SQL
from services.reporting.trends.facts import Attempt, Change, Counted, Fact, FactKey
from shared.db.pool import Connection

_ATTEMPT = Attempt.__struct_fields__
"""Columns of an attempt, in the order in which `put_attempts` takes them."""

_FACT = Fact.__struct_fields__
"""Columns of a fact, in the order in which `put_facts` takes them."""


async def wanted(
    connection: Connection, tenant_id: UUID, scoring_ids: Sequence[UUID]
) -> dict[UUID, Counted]:
    """Return what must be counted of these scorings now; those that do not count are not in it."""
    rows = await connection.fetch(SQL["wanted"], tenant_id, scoring_ids)
    versions = {(row["rubric_id"], row["rubric_version"]) for row in rows}
    targets = await _targets(connection, tenant_id, versions)
    found = {}
    for row in rows:
        target = targets.get((row["rubric_id"], row["rubric_version"]))
        overall = row["overall"]
        passed = None if target is None or overall is None else overall >= target
        found[row["scoring_id"]] = _counted(row, passed=passed)
    return found


async def stored(
    connection: Connection, tenant_id: UUID, scoring_ids: Sequence[UUID]
) -> dict[UUID, Counted]:
    """Return what is counted of these scorings."""
    rows = await connection.fetch(SQL["stored"], tenant_id, scoring_ids)
    return {row["scoring_id"]: _counted(row, passed=row["passed"]) for row in rows}


async def stored_facts(
    connection: Connection, tenant_id: UUID, scoring_ids: Sequence[UUID]
) -> list[Fact]:
    """Return the stored facts of these scorings, row by row."""
    rows = await connection.fetch(SQL["stored_facts"], tenant_id, scoring_ids)
    return [Fact(**row) for row in rows]


async def write(connection: Connection, tenant_id: UUID, change: Change) -> None:
    """Apply a change to attempts and facts; rollups are the caller's.

    Raises:
        asyncpg.UniqueViolationError: there are facts without their attempt: a rebuild is needed.
    """
    old = [each.attempt.scoring_id for each in change.removed]
    if old:
        await connection.execute(SQL["drop_facts_of"], tenant_id, old)
        await connection.execute(SQL["drop_attempts"], tenant_id, old)
    new = [each.attempt for each in change.added]
    if new:
        await connection.execute(SQL["insert_attempts"], tenant_id, *_columns(new, _ATTEMPT))
        scoring_ids = [attempt.scoring_id for attempt in new]
        await connection.execute(SQL["insert_facts"], tenant_id, scoring_ids)


async def drop_attempts(
    connection: Connection, tenant_id: UUID, scoring_ids: Sequence[UUID]
) -> None:
    """Delete attempts."""
    if scoring_ids:
        await connection.execute(SQL["drop_attempts"], tenant_id, scoring_ids)


async def put_attempts(
    connection: Connection, tenant_id: UUID, attempts: Sequence[Attempt]
) -> None:
    """Store attempts, whatever was there."""
    if attempts:
        columns = _columns(attempts, _ATTEMPT)
        await connection.execute(SQL["put_attempts"], tenant_id, *columns)


async def drop_facts(connection: Connection, tenant_id: UUID, keys: Sequence[FactKey]) -> None:
    """Delete facts."""
    if keys:
        await connection.execute(SQL["drop_facts"], tenant_id, *zip(*keys, strict=True))


async def put_facts(connection: Connection, tenant_id: UUID, facts: Sequence[Fact]) -> None:
    """Store facts, whatever was there."""
    if facts:
        await connection.execute(SQL["put_facts"], tenant_id, *_columns(facts, _FACT))


async def _targets(
    connection: Connection, tenant_id: UUID, versions: Iterable[tuple[UUID, int]]
) -> Mapping[tuple[UUID, int], int]:
    known = list(versions)
    if not known:
        return {}
    rubric_ids, numbers = zip(*known, strict=True)
    rows = await connection.fetch(SQL["targets"], tenant_id, rubric_ids, numbers)
    return {(row["rubric_id"], row["version"]): row["target"] for row in rows}


def _counted(row: asyncpg.Record, *, passed: bool | None) -> Counted:
    columns = dict(row)
    skills, scores = columns.pop("skills"), columns.pop("scores")
    return Counted(Attempt(**{**columns, "passed": passed}), dict(zip(skills, scores, strict=True)))


def _columns(rows: Sequence[Attempt] | Sequence[Fact], names: Sequence[str]) -> list[list[object]]:
    return [[getattr(row, name) for row in rows] for name in names]
