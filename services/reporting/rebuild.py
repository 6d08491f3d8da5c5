"""Recompute facts and rollups from scratch: `verify` says what differs, `rebuild` puts it right.

Both hold the consumer's lock on the tenant, so folding waits; readers see the old rows until the
commit. Facts are compared scoring by scoring with the assessments, rollups team by team with the
facts, the latter by SQL that shares nothing with the code that moves them.
"""

from collections.abc import AsyncIterator
from typing import Literal
from uuid import UUID

import asyncpg

from services.reporting import repository
from services.reporting.trends.distributions import Distribution
from services.reporting.trends.facts import Cell, Change, Fact, FactKey, compare, key_of
from shared.contracts.base import Record
from shared.db.pool import Connection, Database
from shared.db.tx import tenant_tx

PAGE_SCORINGS = 2000
"""Scorings compared at a time: bounds memory (about ten facts each)."""


class Difference(Record, frozen=True, kw_only=True):
    """One row that is not what it should be."""

    table: Literal["facts", "rollups"]
    row: FactKey | Cell
    stored: str | None
    """What stands there, in a few numbers; None when the row is missing."""
    expected: str | None
    """What should; None when the row should not exist."""


async def verify(database: Database, tenant_id: UUID) -> list[Difference]:
    """Return every wrong fact and rollup of a tenant; events not yet folded are no difference.

    Rollups are judged by the stored facts, so one wrong fact is one difference.
    """
    found: list[Difference] = []
    async with tenant_tx(database, tenant_id) as connection:
        position = await repository.lock_position(connection, tenant_id)
        async for change in _fact_changes(connection, tenant_id):
            scoring_ids = [fact.scoring_id for fact in (*change.removed, *change.added)]
            # Asked after the assessments were read: whatever came in between has its event by now.
            pending = await repository.pending_scorings(
                connection, tenant_id, position, scoring_ids
            )
            found += [
                difference
                for scoring_id, difference in _fact_differences(change)
                if scoring_id not in pending
            ]
        found += [
            _rollup_difference(cell, row) async for cell, row in _rollup_rows(connection, tenant_id)
        ]
    return found


async def rebuild(database: Database, tenant_id: UUID) -> list[Difference]:
    """Make facts and rollups of a tenant right, in one transaction; return what was changed."""
    changed: list[Difference] = []
    async with tenant_tx(database, tenant_id) as connection:
        await repository.lock_position(connection, tenant_id)
        async for change in _fact_changes(connection, tenant_id):
            await repository.write_facts(connection, tenant_id, change)
            changed += [difference for _, difference in _fact_differences(change)]
        changed += await _rebuild_rollups(connection, tenant_id)
    return changed


async def _rebuild_rollups(connection: Connection, tenant_id: UUID) -> list[Difference]:
    changed: list[Difference] = []
    for team_id in await repository.rollup_teams(connection, tenant_id):
        right: dict[Cell, Distribution] = {}
        gone: list[Cell] = []
        for row in await repository.rollup_differences(connection, tenant_id, team_id):
            cell = Cell(team_id, row["skill"], row["source"], row["bucket"])
            changed.append(_rollup_difference(cell, row))
            expected = _expected(row)
            if expected is None:
                gone.append(cell)
            else:
                right[cell] = expected
        await repository.drop_rollups(connection, tenant_id, gone)
        await repository.set_rollups(connection, tenant_id, right)
    return changed


async def _fact_changes(connection: Connection, tenant_id: UUID) -> AsyncIterator[Change]:
    after = UUID(int=0)
    while page := await repository.scoring_page(connection, tenant_id, after, PAGE_SCORINGS):
        wanted = await repository.wanted_facts(connection, tenant_id, page)
        stored = await repository.stored_facts(connection, tenant_id, page)
        change = compare(stored, wanted)
        if change.removed or change.added:
            yield change
        after = page[-1]


async def _rollup_rows(
    connection: Connection, tenant_id: UUID
) -> AsyncIterator[tuple[Cell, asyncpg.Record]]:
    for team_id in await repository.rollup_teams(connection, tenant_id):
        for row in await repository.rollup_differences(connection, tenant_id, team_id):
            yield Cell(team_id, row["skill"], row["source"], row["bucket"]), row


def _fact_differences(change: Change) -> list[tuple[UUID, Difference]]:
    stored = {key_of(fact): fact for fact in change.removed}
    wanted = {key_of(fact): fact for fact in change.added}
    return [
        (
            key.scoring_id,
            Difference(
                table="facts",
                row=key,
                stored=_fact_text(stored.get(key)),
                expected=_fact_text(wanted.get(key)),
            ),
        )
        for key in dict.fromkeys((*stored, *wanted))
    ]


def _rollup_difference(cell: Cell, row: asyncpg.Record) -> Difference:
    return Difference(
        table="rollups",
        row=cell,
        stored=_rollup_text(row["stored_n"], row["stored_total"]),
        expected=_rollup_text(row["expected_n"], row["expected_total"]),
    )


def _expected(row: asyncpg.Record) -> Distribution | None:
    if row["expected_n"] is None:
        return None
    return Distribution(
        n=row["expected_n"],
        total=row["expected_total"],
        squares=row["expected_squares"],
        histogram=tuple(row["expected_histogram"]),
    )


def _fact_text(fact: Fact | None) -> str | None:
    if fact is None:
        return None
    return f"revision {fact.revision}, {fact.day}, score {fact.score}, team {fact.team_id}"


def _rollup_text(n: int | None, total: int | None) -> str | None:
    return None if n is None else f"n {n}, total {total}"
