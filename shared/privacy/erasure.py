"""The erasure of a person: the key first, then every store that the map names, then a receipt.

With the key gone nothing of theirs opens any more; what follows takes the noise away, and what was
linked to them. Facts and rollups stay under random ids: no report changes. Each transaction is
bounded and leaves the rest to be found again, so a crash anywhere costs nothing but time.
"""

from typing import Final
from uuid import UUID

from shared import failpoints
from shared.contracts.base import Record
from shared.contracts.events import EventType
from shared.db.outbox import add_event
from shared.db.pool import Connection
from shared.ids import format_id
from shared.privacy.map import MINE, Table, personal
from shared.privacy.receipts import Receipt, moment, public_key, signed, stores
from shared.privacy.rights import eraser_tx
from shared.privacy.tasks import (
    SQL,
    Task,
    TaskLostError,
    Workshop,
    changed,
    counted,
    end,
    keep,
)
from shared.trail.entries import SYSTEM, Entry, record

KEPT: Final = (
    "Ids, dates, scores and counts stay under random ids that lead to nobody, so that reports keep"
    " their numbers; so does the audit trail."
)
BACKUPS: Final = (
    "Backups made before this moment hold the person's key until they expire; after a restore the"
    " erasure is made again from the ledger of erasures."
)

_MOST_PASSES: Final = 10
"""Passes over all stores until one finds nothing: work that was in hand may write once more."""


class _Cancelled(Record, frozen=True, kw_only=True):
    """Data of `simulation.ended`."""

    reason: str = "cancelled"


class LearnerErased(Record, frozen=True, kw_only=True):
    """Data of `learner.erased`."""

    learner_id: UUID


async def erase(shop: Workshop, task: Task) -> None:
    """Erase the learner of a task, to its receipt.

    Raises:
        TaskLostError: another worker goes on with it.
    """
    learner_id = _learner(task)
    await _take_key(shop, task, learner_id)
    for _ in range(_MOST_PASSES):
        if not await _one_pass(shop, task, learner_id):
            break
    else:
        raise TaskLostError  # somebody still writes: nothing is signed until a pass finds nothing
    async with eraser_tx(shop.database, task.tenant_id) as connection:
        await _finish(connection, shop, task, learner_id)


async def _take_key(shop: Workshop, task: Task, learner_id: UUID) -> None:
    """Destroy the key, empty the person's own row, and end what goes on."""
    now = shop.clock.now()
    tenant_id = task.tenant_id
    async with eraser_tx(shop.database, tenant_id) as connection:
        await connection.fetchrow(SQL["lock_learner"], tenant_id, learner_id)
        keys = changed(await connection.execute(SQL["drop_learner_key"], tenant_id, learner_id))
        if keys:
            await connection.execute(SQL["empty_learner"], tenant_id, learner_id, now)
            await keep(connection, shop, task, "app.learners", "app.learners", 1)
        revoked = changed(await connection.execute(SQL["revoke_keys"], tenant_id, learner_id, now))
        await keep(connection, shop, task, "app.api_keys", "app.api_keys", revoked)
        await keep(connection, shop, task, "app.learner_keys", "app.learner_keys", keys)
        await _end_simulations(connection, shop, task, learner_id)


async def _end_simulations(
    connection: Connection, shop: Workshop, task: Task, learner_id: UUID
) -> int:
    """End what goes on, without a score; return how many conversations that were."""
    now = shop.clock.now()
    rows = await connection.fetch(SQL["end_simulations"], task.tenant_id, learner_id, now)
    for row in rows:
        await add_event(
            connection,
            task.tenant_id,
            shop.ids.new(),
            EventType.SIMULATION_ENDED,
            row["simulation_id"],
            _Cancelled(),
            now=now,
        )
    return len(rows)


async def _one_pass(shop: Workshop, task: Task, learner_id: UUID) -> int:
    """Go over all stores once; return the rows that were changed."""
    async with eraser_tx(shop.database, task.tenant_id) as connection:
        # One that was being started, with the key in hand, when the key was destroyed.
        total = await _end_simulations(connection, shop, task, learner_id)
        await keep(connection, shop, task, "app.learner_keys", "app.simulations", 0)
    for table in personal():
        statement = statement_of(table)
        if statement is None:
            continue
        failpoints.hit("erase.between_stores")
        while True:
            async with eraser_tx(shop.database, task.tenant_id) as connection:
                status = await connection.execute(statement, task.tenant_id, learner_id, shop.batch)
                rows = changed(status)
                await keep(connection, shop, task, table.name, table.name, rows)
            total += rows
            if rows < shop.batch:
                break
    return total


def statement_of(table: Table) -> str | None:
    """Return what erases up to $3 rows of a learner in a table; None: nothing does."""
    if table.mine is None or table.erase not in {"blank", "delete"}:
        return None
    mine, name = MINE[table.mine], table.name
    some = f"select ctid from {name} where tenant_id = $1 and {mine}"  # noqa: S608 - the map's names
    if table.erase == "delete":
        return f"delete from {name} where tenant_id = $1 and ctid = any (array({some} limit $3))"  # noqa: S608 - the map's names
    says = " or ".join(
        f"{column} is not null" if blank == "null" else f"length({column}) > 0"
        for column, blank in table.blanks.items()
    )
    writes = ", ".join(f"{column} = {blank}" for column, blank in table.blanks.items())
    return (
        f"update {name} set {writes} where tenant_id = $1"  # noqa: S608 - the map's names
        f" and ctid = any (array({some} and ({says}) limit $3))"
    )


async def _finish(connection: Connection, shop: Workshop, task: Task, learner_id: UUID) -> None:
    now = shop.clock.now()
    counts = await counted(connection, task)
    actions = {each.name: "blanked" for each in personal() if each.erase == "blank"}
    actions |= {"app.learners": "blanked", "app.learner_keys": "key destroyed"}
    receipt = Receipt(
        receipt="learner_erasure",
        operation=format_id("op", task.operation_id),
        tenant=format_id("ten", task.tenant_id),
        learner=format_id("lrn", learner_id),
        requested_at=moment(task.created_at),
        completed_at=moment(now),
        stores=stores(counts, actions | {"app.api_keys": "revoked"}),
        kept=KEPT,
        backups=BACKUPS,
        public_key=public_key(shop.receipt_key),
    )
    await end(connection, shop, task, "succeeded", receipt=signed(receipt, shop.receipt_key))
    await add_event(
        connection,
        task.tenant_id,
        shop.ids.new(),
        EventType.LEARNER_ERASED,
        task.operation_id,
        LearnerErased(learner_id=learner_id),
        now=now,
    )
    entry = Entry(
        tenant_id=task.tenant_id,
        actor=SYSTEM,
        action="learner.erased",
        target=format_id("lrn", learner_id),
        request_id="",
        at=now,
        facts={"operation": format_id("op", task.operation_id), "rows": sum(counts.values())},
    )
    await record(connection, entry)


def _learner(task: Task) -> UUID:
    if task.learner_id is None:
        raise ValueError("an erasure is of somebody")
    return task.learner_id
