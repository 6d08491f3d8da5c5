"""What a sender reads and notes; each function is one transaction, none spans a request."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from services.orchestrator.context import Context
from shared.contracts.base import Record
from shared.db.keys import KeyRing
from shared.db.sql import Queries
from shared.db.tx import system_tx, tenant_tx
from shared.xapi import reading
from shared.xapi.reading import everybody, read_happenings, stated
from shared.xapi.statements import Form, Statement, statements_of
from shared.xapi.stores import Store, find_store

_SQL: Final = Queries("services.orchestrator.xapi")

LEASE: Final = timedelta(seconds=90)
"""Longer than a sender works on one batch."""

EVENTS_AT_ONCE: Final = 50
"""Each makes one or two statements."""


class Told(Record, frozen=True, kw_only=True):
    """An event, and what is said about it."""

    position: int
    statements: tuple[Statement, ...]


class Batch(Record, frozen=True, kw_only=True):
    """What a store gets next."""

    tenant_id: UUID
    store: Store
    told: tuple[Told, ...]
    upto: int
    """Position that is reached once all of it is there; what is not told needs no telling."""


async def find_due(context: Context, limit: int) -> list[UUID]:
    """Return tenants whose stores lack something and may be tried now."""
    async with system_tx(context.database) as connection:
        rows = await connection.fetch(_SQL["due_stores"], context.clock.now(), limit)
    return [row["tenant_id"] for row in rows]


async def take_batch(context: Context, keys: KeyRing, tenant_id: UUID) -> Batch | None:
    """Lease a store and return what it gets next; None when somebody else was faster."""
    now = context.clock.now()
    async with tenant_tx(context.database, tenant_id) as connection:
        taken = await connection.fetchval(_SQL["take_store"], tenant_id, now, now + LEASE)
        tenant = await keys.tenant(connection, tenant_id)
        standing = await find_store(connection, tenant)
        far = await connection.fetchrow(_SQL["how_far"], tenant_id)
        if taken is None or standing is None or far is None:
            return None
        rows = await connection.fetch(
            reading.SQL["stated_after"], tenant_id, far["position"], EVENTS_AT_ONCE
        )
        events = [stated(row) for row in rows if row["position"] <= far["head"]]
        store = standing.store
        happenings = await read_happenings(
            connection, tenant, everybody(tenant_id), events, store.actor
        )
    base_iri = context.settings.xapi_base_iri
    form = Form(base_iri=base_iri, home_page=store.home_page or base_iri, version=store.version)
    told = tuple(
        Told(position=each.position, statements=said)
        for each in happenings
        if (said := statements_of(each, form))
    )
    is_all = len(rows) < EVENTS_AT_ONCE
    return Batch(
        tenant_id=tenant_id,
        store=store,
        told=told,
        upto=far["head"] if is_all or not events else events[-1].position,
    )


async def note_success(context: Context, tenant_id: UUID, upto: int, rejected: int) -> None:
    """Note that a store has everything up to a position."""
    async with tenant_tx(context.database, tenant_id) as connection:
        await connection.execute(_SQL["move_position"], tenant_id, upto)
        await connection.execute(_SQL["note_success"], tenant_id, context.clock.now(), rejected)


async def note_failure(
    context: Context,
    tenant_id: UUID,
    upto: int,
    rejected: int,
    error: str,
    waits: Sequence[float],
) -> None:
    """Note that a store did not take something, and when it is tried again.

    Args:
        context: of the process.
        tenant_id: whose store.
        upto: position up to which it has everything.
        rejected: statements that it refused for good.
        error: class of the failure.
        waits: seconds to wait, by the number of failures before; the last one for all further.
    """
    async with tenant_tx(context.database, tenant_id) as connection:
        await connection.execute(_SQL["move_position"], tenant_id, upto)
        failures: int = await connection.fetchval(_SQL["failures"], tenant_id) or 0
        wait = waits[min(failures, len(waits) - 1)]
        again = context.clock.now() + timedelta(seconds=wait)
        await connection.execute(_SQL["note_failure"], tenant_id, error, again, rejected)
