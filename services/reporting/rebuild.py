"""Recompute facts and rollups from scratch: `verify` says what differs, `rebuild` puts it right.

Both hold the consumer's lock on the tenant, so folding waits; readers see the old rows until the
commit. Facts are compared scoring by scoring with the assessments, rollups team by team with the
facts, the latter counted in a way that shares nothing with the code that moves them.
"""

from collections.abc import AsyncIterator
from typing import Literal, NamedTuple
from uuid import UUID

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


class Rollups(NamedTuple):
    """A rollup as it stands and as the facts say; None where there is none."""

    stored: Distribution | None
    expected: Distribution | None


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
        async for wrong in _wrong_rollups(connection, tenant_id):
            found += _rollup_differences(wrong)
    return found


async def rebuild(database: Database, tenant_id: UUID) -> list[Difference]:
    """Make facts and rollups of a tenant right, in one transaction; return what was changed."""
    changed: list[Difference] = []
    async with tenant_tx(database, tenant_id) as connection:
        await repository.lock_position(connection, tenant_id)
        async for change in _fact_changes(connection, tenant_id):
            await repository.write_facts(connection, tenant_id, change)
            changed += [difference for _, difference in _fact_differences(change)]
        async for wrong in _wrong_rollups(connection, tenant_id):
            await _put_right(connection, tenant_id, wrong)
            changed += _rollup_differences(wrong)
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


async def _wrong_rollups(
    connection: Connection, tenant_id: UUID
) -> AsyncIterator[dict[Cell, Rollups]]:
    for team_id in await repository.rollup_teams(connection, tenant_id):
        stored = await repository.stored_rollups(connection, tenant_id, team_id)
        expected = await repository.counted_facts(connection, tenant_id, team_id)
        yield {
            cell: Rollups(stored.get(cell), expected.get(cell))
            for cell in dict.fromkeys((*stored, *expected))
            if stored.get(cell) != expected.get(cell)
        }


async def _put_right(connection: Connection, tenant_id: UUID, wrong: dict[Cell, Rollups]) -> None:
    gone = [cell for cell, pair in wrong.items() if pair.expected is None]
    right = {cell: pair.expected for cell, pair in wrong.items() if pair.expected is not None}
    await repository.drop_rollups(connection, tenant_id, gone)
    await repository.set_rollups(connection, tenant_id, right)


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


def _rollup_differences(wrong: dict[Cell, Rollups]) -> list[Difference]:
    return [
        Difference(
            table="rollups",
            row=cell,
            stored=_rollup_text(pair.stored),
            expected=_rollup_text(pair.expected),
        )
        for cell, pair in wrong.items()
    ]


def _fact_text(fact: Fact | None) -> str | None:
    if fact is None:
        return None
    return f"revision {fact.revision}, {fact.day}, score {fact.score}, team {fact.team_id}"


def _rollup_text(rollup: Distribution | None) -> str | None:
    return None if rollup is None else f"n {rollup.n}, total {rollup.total}"
