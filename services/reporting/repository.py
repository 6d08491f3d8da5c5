"""What is to be counted: positions, events, marks; always in the transaction of the caller.

What is counted is in `attempt_repository` and `rollup_repository`.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from shared.contracts.base import Record
from shared.contracts.events import EventType
from shared.db.pool import Connection
from shared.db.sql import Queries

CONSUMER = "reporting"
"""Name of this consumer in `consumer_positions`."""

MOVING_EVENTS = [EventType.SCORING_COMPLETED.value, EventType.SCORING_REVISED.value]
"""Events after which a scoring counts with other numbers than before."""

SQL = Queries("services.reporting")


class FeedPage(Record, frozen=True, kw_only=True):
    """The next events of a tenant."""

    last: int
    """Position of the last one; the position asked from when there is none."""
    length: int
    scoring_ids: tuple[UUID, ...]
    """Scorings with a new result, each once."""


class Mark(NamedTuple):
    """Something to look at again; see `app.report_marks`."""

    mark_id: int
    kind: str
    """`scoring`, `learner` or `tenant`."""
    subject: UUID | None


async def unread(connection: Connection) -> list[UUID]:
    """Return the tenants that have something to be counted (system transaction)."""
    return [row["tenant_id"] for row in await connection.fetch(SQL["unread"], CONSUMER)]


async def try_position(connection: Connection, tenant_id: UUID) -> int | None:
    """Lock and return the consumer's position; None while another process holds it."""
    await connection.execute(SQL["start_position"], tenant_id, CONSUMER)
    position: int | None = await connection.fetchval(SQL["try_position"], tenant_id, CONSUMER)
    return position


async def lock_position(connection: Connection, tenant_id: UUID) -> int:
    """Wait for the consumer's position, lock and return it."""
    await connection.execute(SQL["start_position"], tenant_id, CONSUMER)
    position: int = await connection.fetchval(SQL["lock_position"], tenant_id, CONSUMER)
    return position


async def next_events(connection: Connection, tenant_id: UUID, after: int, limit: int) -> FeedPage:
    """Return up to `limit` events that follow a position."""
    row = await connection.fetchrow(SQL["next_events"], tenant_id, after, limit, MOVING_EVENTS)
    if row is None or row["last"] is None:
        return FeedPage(last=after, length=0, scoring_ids=())
    return FeedPage(
        last=row["last"], length=row["length"], scoring_ids=tuple(row["scoring_ids"] or ())
    )


async def move_position(connection: Connection, tenant_id: UUID, position: int) -> None:
    """Store how far the consumer has come; the caller holds the lock."""
    await connection.execute(SQL["move_position"], tenant_id, CONSUMER, position)


async def next_marks(connection: Connection, tenant_id: UUID, limit: int) -> list[Mark]:
    """Return up to `limit` marks in the order in which they were made."""
    rows = await connection.fetch(SQL["next_marks"], tenant_id, limit)
    return [Mark(*row) for row in rows]


async def all_marks(connection: Connection, tenant_id: UUID) -> list[int]:
    """Return every mark of the tenant."""
    rows = await connection.fetch(SQL["all_marks"], tenant_id)
    return [row["mark_id"] for row in rows]


async def is_rebuilding(connection: Connection, tenant_id: UUID) -> bool:
    """Say whether a tenant's numbers are incomplete until the service has made them anew."""
    found: bool = await connection.fetchval(SQL["is_rebuilding"], tenant_id)
    return found


async def count_version(connection: Connection, tenant_id: UUID) -> None:
    """Count a change of what is counted, for kept answers; the caller holds the position lock."""
    await connection.execute(SQL["count_version"], tenant_id)


async def mark_tenant(connection: Connection, tenant_id: UUID) -> None:
    """Ask for everything of the tenant anew."""
    await connection.execute(SQL["mark_tenant"], tenant_id)


async def drop_marks(connection: Connection, tenant_id: UUID, marks: Sequence[int]) -> None:
    """Delete marks in the transaction of their effect."""
    if marks:
        await connection.execute(SQL["drop_marks"], tenant_id, marks)


async def scorings_of(
    connection: Connection, tenant_id: UUID, learner_ids: Sequence[UUID]
) -> list[UUID]:
    """Return the completed scorings of some learners."""
    rows = await connection.fetch(SQL["scorings_of"], tenant_id, learner_ids)
    return [row["scoring_id"] for row in rows]


async def scoring_page(
    connection: Connection, tenant_id: UUID, after: UUID, limit: int
) -> list[UUID]:
    """Return the next scorings that count or may count, by id."""
    rows = await connection.fetch(SQL["scoring_page"], tenant_id, after, limit)
    return [row["scoring_id"] for row in rows]


async def pending_scorings(
    connection: Connection, tenant_id: UUID, position: int, scoring_ids: Sequence[UUID]
) -> set[UUID]:
    """Return which of the scorings have a mark, or an event after `position` or without one."""
    rows = await connection.fetch(
        SQL["pending_scorings"], tenant_id, position, MOVING_EVENTS, scoring_ids
    )
    return {row["scoring_id"] for row in rows}
