"""From events to facts and rollups, exactly once.

An event only says which scoring has news. What is counted comes from what the assessments say at
that moment; rollups move by the difference to what was counted before. So events may come twice,
late or in another order: the end is the same, and a revision that is not the latest never counts.
"""

from collections.abc import Sequence
from uuid import UUID

from services.reporting import repository
from services.reporting.trends.facts import compare, movements
from shared.contracts.base import Record
from shared.db.pool import Connection, Database
from shared.db.tx import tenant_tx

PAGE_EVENTS = 500
"""Events folded in one transaction: enough to share its cost, and locks are held less than 1 s."""


class Folded(Record, frozen=True, kw_only=True):
    """What one page did."""

    position: int
    """Where the consumer stands now."""
    has_more: bool
    """The page was full, so more is probably waiting."""


async def fold_page(
    database: Database, tenant_id: UUID, *, limit: int = PAGE_EVENTS
) -> Folded | None:
    """Fold the next events of a tenant in one transaction; None when another process is doing it.

    Raises:
        asyncpg.PostgresError, OSError: nothing was changed; calling again is safe.
    """
    async with tenant_tx(database, tenant_id) as connection:
        position = await repository.try_position(connection, tenant_id)
        if position is None:
            return None
        page = await repository.next_events(connection, tenant_id, position, limit)
        if page.length:
            await fold_scorings(connection, tenant_id, page.scoring_ids)
            await repository.move_position(connection, tenant_id, page.last)
        return Folded(position=page.last, has_more=page.length == limit)


async def fold_scorings(
    connection: Connection, tenant_id: UUID, scoring_ids: Sequence[UUID]
) -> None:
    """Bring facts and rollups of these scorings up to date; the caller holds the position lock."""
    if not scoring_ids:
        return
    wanted = await repository.wanted_facts(connection, tenant_id, scoring_ids)
    stored = await repository.stored_facts(connection, tenant_id, scoring_ids)
    change = compare(stored, wanted)
    await repository.write_facts(connection, tenant_id, change)
    await repository.move_rollups(connection, tenant_id, movements(change))
