"""The end of a request with many conversations: whoever finishes its last scoring ends it."""

from datetime import datetime
from uuid import UUID

from shared.contracts.base import Record
from shared.contracts.events import EventType
from shared.contracts.jobs import Part
from shared.db.jobs import count_down
from shared.db.outbox import add_event
from shared.db.pool import Connection

_END = """
update operations o
   set ended_at = $3,
       status = case when exists (
         select from scorings s
          where s.tenant_id = $1 and s.operation_id = $2 and s.status <> 'failed')
         then 'succeeded' else 'failed' end
 where tenant_id = $1 and operation_id = $2 and status = 'running'
returning status
"""
"""It failed when nothing at all could be scored; a canceled one stays canceled."""


class _Ended(Record, frozen=True, kw_only=True):
    """Data of `operation.ended`."""

    status: str


async def count_scoring(
    connection: Connection, tenant_id: UUID, operation_id: UUID, event_id: UUID, now: datetime
) -> None:
    """Count one scoring of a request as finished; the last one ends the operation, with its event.

    Only in the transaction that deletes or buries the scoring's job, and only when that changed a
    row: that is what makes the count exact. `event_id` is used if the operation ends.
    """
    part = Part(operation_id=operation_id, part=0)
    if not await count_down(connection, tenant_id, part):
        return
    status = await connection.fetchval(_END, tenant_id, operation_id, now)
    if status is not None:
        await add_event(
            connection,
            tenant_id,
            event_id,
            EventType.OPERATION_ENDED,
            operation_id,
            _Ended(status=status),
            now=now,
        )
