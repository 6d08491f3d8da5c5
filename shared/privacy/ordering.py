"""Orders: what somebody asks to be done with all data of a person, or of a tenant."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

import msgspec

from shared.db.pool import Connection
from shared.db.tx import system_tx, tenant_tx
from shared.errors import NotFoundError
from shared.ids import format_id, parse_id
from shared.privacy.offboarding import begin_offboarding
from shared.privacy.receipts import moment
from shared.privacy.tasks import SQL, Workshop, insert_task
from shared.trail.entries import SYSTEM, Actor, Entry, record

PersonKind = Literal["learner_erasure", "learner_export"]

FILE_KEPT: Final = timedelta(days=7)
"""How long the file of an export can be fetched."""

_OPERATION_KEPT: Final = timedelta(days=30)
"""How long the operation says it can be read; the receipt of an erasure stays."""


class Erased(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of the ledger: who must be gone from every copy."""

    kind: Literal["learner_erasure", "offboarding"]
    tenant: str
    learner: str | None = None
    operation: str
    ordered_at: str


async def order(
    connection: Connection,
    tenant_id: UUID,
    operation_id: UUID,
    kind: PersonKind,
    *,
    learner_id: UUID,
    now: datetime,
) -> UUID:
    """Have a person erased or exported; return the operation, an earlier one of an erasure.

    Raises:
        NotFoundError: no such person; of an export, nobody who is not erased.
    """
    found = await connection.fetchrow(SQL["erased_at"], tenant_id, learner_id)
    if found is None:
        raise NotFoundError
    is_export = kind == "learner_export"
    if is_export and found["erased_at"] is not None:
        raise NotFoundError
    expires_at = now + FILE_KEPT if is_export else None
    if not await insert_task(
        connection,
        tenant_id,
        operation_id,
        kind,
        now=now,
        learner_id=learner_id,
        expires_at=expires_at,
    ):
        earlier: UUID = await connection.fetchval(SQL["erasure_of"], tenant_id, learner_id)
        return earlier
    kept = expires_at or now + _OPERATION_KEPT
    row = (operation_id, kind, learner_id, now, kept)
    await connection.execute(SQL["insert_operation"], tenant_id, *row)
    return operation_id


async def order_tenant_export(
    connection: Connection, tenant_id: UUID, operation_id: UUID, *, now: datetime
) -> UUID:
    """Have everything of a tenant put into one file; return the operation.

    One that is going on is returned instead: there is one at a time.
    """
    expires_at = now + FILE_KEPT
    if not await insert_task(
        connection, tenant_id, operation_id, "tenant_export", now=now, expires_at=expires_at
    ):
        going: UUID = await connection.fetchval(SQL["open_task"], tenant_id, "tenant_export")
        return going
    row = (operation_id, "tenant_export", None, now, expires_at)
    await connection.execute(SQL["insert_operation"], tenant_id, *row)
    return operation_id


async def order_erasure(shop: Workshop, tenant_id: UUID, learner_id: UUID, actor: Actor) -> UUID:
    """Have a person erased, past the API; return the operation, the same on a repeat.

    Raises:
        NotFoundError: no such person.
    """
    now, operation_id = shop.clock.now(), shop.ids.new()
    async with tenant_tx(shop.database, tenant_id) as connection:
        ordered = await order(
            connection, tenant_id, operation_id, "learner_erasure", learner_id=learner_id, now=now
        )
        if ordered == operation_id:
            entry = Entry(
                tenant_id=tenant_id,
                actor=actor,
                action="learner.erasure_ordered",
                target=format_id("lrn", learner_id),
                request_id="",
                at=now,
                facts={"operation": format_id("op", operation_id)},
            )
            await record(connection, entry)
    return ordered


async def ledger(shop: Workshop) -> list[Erased]:
    """Return everybody who was or will be erased, and every tenant that has left."""
    async with system_tx(shop.database) as connection:
        rows = await connection.fetch(SQL["ledger"])
    return [
        Erased(
            kind=row["kind"],
            tenant=format_id("ten", row["tenant_id"]),
            learner=None if row["learner_id"] is None else format_id("lrn", row["learner_id"]),
            operation=format_id("op", row["operation_id"]),
            ordered_at=moment(row["created_at"]),
        )
        for row in rows
    ]


def read_ledger(text: bytes) -> Iterator[Erased]:
    """Yield the lines of a written ledger.

    Raises:
        ValueError: a line is not one of a ledger.
    """
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield msgspec.json.decode(line, type=Erased)
        except msgspec.DecodeError as error:
            raise ValueError(f"line {number} is not of a ledger: {error}") from None


async def reapply_all(shop: Workshop, lines: Iterable[Erased]) -> int:
    """Do again what a restored backup has forgotten; return how many lines that were.

    Raises:
        InvalidIdError: a line with an id that is none; those before it are done.
    """
    known = {(each.kind, each.tenant, each.learner) for each in await ledger(shop)}
    done = 0
    for one in lines:
        if (one.kind, one.tenant, one.learner) not in known:
            known.add((one.kind, one.tenant, one.learner))
            done += await _reapply(shop, one)
    return done


async def _reapply(shop: Workshop, erased: Erased) -> bool:
    tenant_id = parse_id("ten", erased.tenant)
    if erased.kind == "offboarding":
        async with tenant_tx(shop.database, tenant_id) as connection:
            if not await connection.fetchval(SQL["has_keys"], tenant_id):
                return False
        await begin_offboarding(shop, tenant_id, SYSTEM, wait=timedelta(0))
        return True
    try:
        await order_erasure(shop, tenant_id, parse_id("lrn", erased.learner or ""), SYSTEM)
    except NotFoundError:  # made after the backup: nothing of them is in it
        return False
    return True
