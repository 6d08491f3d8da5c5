"""Jobs and events, written in the transaction that makes them true."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from shared.contracts.events import EventType
from shared.contracts.jobs import JobKind, JobMessage, JobPayload, encode_payload
from shared.db.pool import Connection

_INSERT_JOB = """
insert into jobs (tenant_id, job_id, kind, payload, next_publish_at, created_at)
values ($1, $2, $3, $4, $5, $6)
on conflict (tenant_id, job_id) do nothing
"""

_INSERT_EVENT = """
insert into events (tenant_id, event_id, type, resource_id, sequence, data, occurred_at)
select $1, $2, $3, $4,
       coalesce(max(sequence), 0) + 1, $5, $6
  from events where tenant_id = $1 and resource_id = $4
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
