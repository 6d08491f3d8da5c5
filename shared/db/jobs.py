"""Taking, keeping and finishing jobs: the row is the truth, the message only points at it."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from shared.contracts.jobs import MAX_STARTS, JobMessage, JobPayload, Part, decode_payload
from shared.db.pool import Connection, Database
from shared.db.tx import tenant_tx
from shared.log import get_logger
from shared.periodic import every

log = get_logger()

CLAIM = """
update jobs
   set starts = starts + 1,
       lease_until = now() + make_interval(secs => $3)
 where tenant_id = $1 and job_id = $2 and dead_at is null
   and starts < $4
   and (lease_until is null or lease_until < now())
returning payload
"""
"""Take a job whose lease is free. No row: it is done, dead, or in another worker's hands."""

_RENEW = """
update jobs set lease_until = now() + make_interval(secs => $3)
 where tenant_id = $1 and job_id = $2
"""

_GIVE_BACK = """
update jobs
   set starts = greatest(starts - 1, 0), lease_until = null, next_publish_at = now()
 where tenant_id = $1 and job_id = $2 and dead_at is null
"""
"""It was not the job's fault, so this start does not count."""

FINISH = """
delete from jobs where tenant_id = $1 and job_id = $2 and dead_at is null
returning payload ->> 'type' in ('bulk_score', 'batch')
"""
"""The last word on a job; belongs into the transaction that stores its result. Not on one that was
buried while a slow worker still had it: that stays, as the dead letter of what was told.
"""

_COUNT_DOWN = """
update operation_parts set unplayed = unplayed - 1
 where tenant_id = $1 and operation_id = $2 and part = $3 and unplayed > 0
returning unplayed
"""


async def claim(connection: Connection, message: JobMessage, lease_s: float) -> JobPayload | None:
    """Take the job for `lease_s` seconds; None when there is nothing to do for this worker."""
    payload = await connection.fetchval(
        CLAIM, message.tenant_id, message.job_id, lease_s, MAX_STARTS
    )
    return None if payload is None else decode_payload(payload)


async def finish(connection: Connection, tenant_id: UUID, job_id: UUID) -> bool:
    """Delete the job, in the caller's transaction; say whether a request of many counts it now.

    It does not when somebody else ended it, and when it was buried, which counted it: whether it
    lies there dead or was replayed since, on its own.
    """
    return bool(await connection.fetchval(FINISH, tenant_id, job_id))


async def give_back(database: Database, message: JobMessage) -> None:
    """Let a job go that this process has begun and will not finish: the next one may take it."""
    async with tenant_tx(database, message.tenant_id) as connection:
        await connection.execute(_GIVE_BACK, message.tenant_id, message.job_id)


async def count_down(connection: Connection, tenant_id: UUID, part: Part) -> bool:
    """Count one job of a batch's part as done; say whether it was the last.

    Only in the transaction that deletes or buries the job, and only when that changed a row: that
    is what makes the count exact.
    """
    unplayed = await connection.fetchval(_COUNT_DOWN, tenant_id, part.operation_id, part.part)
    return bool(unplayed == 0)


@contextmanager
def kept_lease(database: Database, message: JobMessage, lease_s: float) -> Iterator[None]:
    """Renew the lease every third of its length while the block runs."""

    async def renew() -> None:
        try:
            async with tenant_tx(database, message.tenant_id) as connection:
                await connection.execute(_RENEW, message.tenant_id, message.job_id, lease_s)
        except Exception as error:
            # The lease may run out; then another worker repeats the job, which is harmless.
            log.warning("job.renew_failed", job_id=str(message.job_id), error=type(error).__name__)

    with every(lease_s / 3, renew):
        yield
