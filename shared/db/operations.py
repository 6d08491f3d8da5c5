"""The event that tells of the end of long work, whatever kind of work it was."""

from datetime import datetime
from uuid import UUID

from shared.contracts.base import Record
from shared.contracts.events import EventType
from shared.db.outbox import add_event
from shared.db.pool import Connection


class _Ended(Record, frozen=True, kw_only=True):
    """Data of `operation.ended`."""

    status: str


async def add_operation_ended(
    connection: Connection,
    tenant_id: UUID,
    event_id: UUID,
    operation_id: UUID,
    status: str,
    now: datetime,
) -> None:
    """Write it, in the transaction that ends the operation: `succeeded`, `failed`, `canceled`."""
    await add_event(
        connection,
        tenant_id,
        event_id,
        EventType.OPERATION_ENDED,
        operation_id,
        _Ended(status=status),
        now=now,
    )
