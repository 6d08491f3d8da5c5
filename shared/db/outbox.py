"""Jobs and events, written in the transaction that makes them true."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from shared.contracts.events import EventType
from shared.contracts.jobs import JobKind, JobMessage, JobPayload, encode_payload
from shared.db.pool import Connection
from shared.errors import BacklogFullError

_INSERT_JOB = """
insert into jobs (tenant_id, job_id, kind, payload, next_publish_at, created_at)
values ($1, $2, $3, $4, $5, $6)
on conflict (tenant_id, job_id) do nothing
"""

_BACKLOG = """
select count(*) from (
  select 1 from jobs where tenant_id = $1 and kind = $2 and dead_at is null limit $3
) as waiting
"""

_INSERT_EVENT = """
insert into events (tenant_id, event_id, type, resource_id, sequence, data, occurred_at)
select $1, $2, $3, $4,
       coalesce(max(sequence), 0) + 1, $5, $6
  from events where tenant_id = $1 and resource_id = $4
"""

RETRY_AFTER_FULL_S = 5
"""Seconds a client is told to wait when its queue is full; a worker clears thousands in that
time.
"""


async def add_job(
    connection: Connection,
    tenant_id: UUID,
    job_id: UUID,
    payload: JobPayload,
    kind: JobKind,
    *,
    now: datetime,
    first_retry_s: float,
) -> JobMessage:
    """Write a job; return the message to publish after the commit. A repeat with the same id is
    harmless.

    If nobody publishes (the process died), the relay does, `first_retry_s` seconds from now.
    """
    due = now + timedelta(seconds=first_retry_s)
    await connection.execute(
        _INSERT_JOB, tenant_id, job_id, kind.value, encode_payload(payload), due, now
    )
    return JobMessage(tenant_id=tenant_id, job_id=job_id, kind=kind, attempt=1)


async def check_backlog(connection: Connection, tenant_id: UUID, kind: JobKind, cap: int) -> None:
    """Refuse more work than a tenant may have waiting.

    Raises:
        BacklogFullError: `cap` jobs of this kind are waiting.
    """
    waiting = await connection.fetchval(_BACKLOG, tenant_id, kind.value, cap)
    if waiting >= cap:
        raise BacklogFullError(
            f"{waiting} jobs of this kind are waiting", retry_after_s=RETRY_AFTER_FULL_S
        )


async def add_event(
    connection: Connection,
    tenant_id: UUID,
    event_id: UUID,
    event_type: EventType,
    resource_id: UUID,
    data: msgspec.Struct,
    *,
    now: datetime,
) -> None:
    """Write an event. The caller holds the resource's row lock, which orders its events."""
    await connection.execute(
        _INSERT_EVENT,
        tenant_id,
        event_id,
        event_type.value,
        resource_id,
        msgspec.json.encode(data).decode(),
        now,
    )
