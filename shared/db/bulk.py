"""The end of a request with many conversations: whoever finishes its last scoring ends it."""

from datetime import datetime
from uuid import UUID

from shared.contracts.jobs import Part
from shared.db.jobs import count_down
from shared.db.operations import add_operation_ended
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
        await add_operation_ended(connection, tenant_id, event_id, operation_id, status, now)
