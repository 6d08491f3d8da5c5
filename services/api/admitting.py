"""The check of new work with what a process of the API knows of its tenant."""

from typing import Final
from uuid import UUID

from services.api.context import ProcessContext
from shared.contracts.jobs import JobKind
from shared.db.pool import Connection
from shared.errors import (
    AppError,
    BacklogFullError,
    ConcurrencyExceededError,
    TenantPausedError,
)
from shared.tenancy import admission
from shared.tenancy.admission import Asked, Kind

QUEUES: Final[tuple[type[AppError], ...]] = (BacklogFullError, TenantPausedError)
"""Refusals of an operation whose work waits in a queue."""

BEGINS: Final[tuple[type[AppError], ...]] = (*QUEUES, ConcurrencyExceededError)
"""Refusals of an operation that begins simulations or scorings."""


async def admit(
    context: ProcessContext,
    connection: Connection,
    tenant_id: UUID,
    *lanes: JobKind,
    kind: Kind | None = None,
    count: int = 1,
    lane_room: int = 1,
) -> None:
    """Check that work may begin; call it last before the writes that it is about.

    Args:
        context: of the process.
        connection: of the transaction that accepts the work.
        tenant_id: whose.
        lanes: queues it will wait in.
        kind: what it counts as.
        count: how many begin.
        lane_room: places it needs in each queue; an empty queue takes any number.

    Raises:
        TenantPausedError, TenantSuspendedError: the tenant takes nothing new.
        BacklogFullError: too many of its jobs are waiting.
        ConcurrencyExceededError: too much of this kind is under way.
    """
    limits = await context.limits.at_hand(tenant_id)
    asked = Asked(lanes=lanes, kind=kind, count=count, lane_room=lane_room)
    await admission.admit(connection, tenant_id, limits, asked, context.random)
