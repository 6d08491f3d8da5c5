"""From events to attempts, facts and rollups, exactly once.

An event, or a mark, only says which scoring has news. What is counted comes from what the
assessments and memberships say at that moment; rollups move by the difference to what was counted
before. So both may come twice, late or in another order: the end is the same, and a revision that
is not the latest never counts.
"""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from services.reporting import attempt_repository, repository, rollup_repository
from services.reporting.repository import Mark
from services.reporting.trends.facts import compare
from services.reporting.trends.rollups import RollupBrokenError, moved, movements
from shared.contracts.base import Record
from shared.db.pool import Connection, Database
from shared.db.tx import tenant_tx
from shared.log import get_logger

log = get_logger()

PAGE_EVENTS = 1000
"""Events folded in one transaction: enough to share its cost, and locks are held about 1 s."""

PAGE_MARKS = 500
"""Marks looked at in one transaction; one of a learner stands for all their scorings."""

SLICE_MARKS = 20
"""Marks whose scorings are asked for at once: no more are taken up when these fill a page."""


class Folded(Record, frozen=True, kw_only=True):
    """What one page did."""

    position: int
    """Where the consumer stands now."""
    has_more: bool
    """The page was full, so more is probably waiting."""
    is_incomplete: bool = False
    """Nothing was folded: everything must be made anew first (`rebuild`)."""


async def fold_page(
    database: Database, tenant_id: UUID, *, limit: int = PAGE_EVENTS
) -> Folded | None:
    """Fold the next events and marks of a tenant in one transaction; None: somebody else does.

    What is stored and cannot be right leads to a mark that asks for everything anew, and to nothing
    else.

    Raises:
        asyncpg.PostgresError, OSError: nothing was changed; calling again is safe.
    """
    try:
        async with tenant_tx(database, tenant_id) as connection:
            position = await repository.try_position(connection, tenant_id)
            if position is None:
                return None
            if await repository.is_rebuilding(connection, tenant_id):
                return Folded(position=position, has_more=False, is_incomplete=True)
            return await _fold(connection, tenant_id, position, limit)
    except (RollupBrokenError, asyncpg.UniqueViolationError):
        log.warning("rollups.broken", tenant_id=str(tenant_id))
    async with tenant_tx(database, tenant_id) as connection:
        position = await repository.lock_position(connection, tenant_id)
        await repository.mark_tenant(connection, tenant_id)
    return Folded(position=position, has_more=False, is_incomplete=True)


async def fold_scorings(
    connection: Connection, tenant_id: UUID, scoring_ids: Sequence[UUID]
) -> None:
    """Bring everything about these scorings up to date; the caller holds the position lock.

    Raises:
        RollupBrokenError, asyncpg.UniqueViolationError: a rollup is not what the facts say, or
            there are facts without their attempt; the transaction must be undone.
    """
    if not scoring_ids:
        return
    wanted = await attempt_repository.wanted(connection, tenant_id, scoring_ids)
    stored = await attempt_repository.stored(connection, tenant_id, scoring_ids)
    change = compare(stored, wanted)
    if not change.removed and not change.added:
        return
    moves = movements(change)
    rollups = await rollup_repository.some(connection, tenant_id, moves.cells)
    await attempt_repository.write(connection, tenant_id, change)
    await rollup_repository.write(connection, tenant_id, moved(moves, rollups), rollups)
    await repository.count_version(connection, tenant_id)


async def _fold(connection: Connection, tenant_id: UUID, position: int, limit: int) -> Folded:
    page = await repository.next_events(connection, tenant_id, position, limit)
    marks = await repository.next_marks(connection, tenant_id, PAGE_MARKS)
    taken, marked = await _marked(connection, tenant_id, marks)
    scoring_ids = list(dict.fromkeys((*page.scoring_ids, *marked)))
    for start in range(0, len(scoring_ids), PAGE_EVENTS):
        await fold_scorings(connection, tenant_id, scoring_ids[start : start + PAGE_EVENTS])
    await repository.drop_marks(connection, tenant_id, [mark.mark_id for mark in taken])
    if page.length:
        await repository.move_position(connection, tenant_id, page.last)
    has_more = page.length == limit or len(marks) == PAGE_MARKS or len(taken) < len(marks)
    return Folded(position=page.last, has_more=has_more)


async def _marked(
    connection: Connection, tenant_id: UUID, marks: Sequence[Mark]
) -> tuple[Sequence[Mark], list[UUID]]:
    """Return the first of the marks, until a page is full, and the scorings they are about."""
    found: list[UUID] = []
    for start in range(0, len(marks), SLICE_MARKS):
        end = start + SLICE_MARKS
        found += await _scorings_of(connection, tenant_id, marks[start:end])
        if len(found) >= PAGE_EVENTS:
            return marks[:end], found
    return marks, found


async def _scorings_of(
    connection: Connection, tenant_id: UUID, marks: Sequence[Mark]
) -> list[UUID]:
    found = [mark.subject for mark in marks if mark.kind == "scoring" and mark.subject]
    learners = {mark.subject for mark in marks if mark.kind == "learner" and mark.subject}
    if learners:
        found += await repository.scorings_of(connection, tenant_id, list(learners))
    return found
