"""The departure of a tenant: closed at once, destroyed after a time to think again, with a receipt.

Every row of theirs goes in bounded transactions, their keys first: from then on nothing of theirs
opens, in any process within a minute. What stays is an id, the audit trail (ids and digests) and
the usage that was billed.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

from shared.db.tx import system_tx
from shared.ids import format_id
from shared.privacy.map import Table, tables
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
    insert_task,
    keep,
)
from shared.trail.entries import SYSTEM, Actor, Entry, record, record_fleet

WAIT: Final = timedelta(days=30)
"""From closing until the keys are destroyed; the departure can be called off until then."""

KEPT: Final = (
    "The tenant's id, its audit trail (ids, times and digests), its closed periods of usage and"
    " this receipt stay; so do the receipts of people it had erased."
)
BACKUPS: Final = (
    "Backups made before this moment hold the tenant's keys until they expire; after a restore the"
    " departure is made again from the ledger."
)

_MOST_PASSES: Final = 20
"""Passes over all tables until one finds nothing: other processes may have had work in hand."""


async def begin_offboarding(
    shop: Workshop, tenant_id: UUID, actor: Actor, *, wait: timedelta = WAIT
) -> UUID:
    """Suspend a tenant and have it destroyed later; return the operation, the same on a repeat.

    A repeat changes nothing, the time neither.
    """
    now, operation_id = shop.clock.now(), shop.ids.new()
    # Closed first: should we die in between, nobody is destroyed who was not told.
    async with system_tx(shop.database) as connection:
        await connection.execute(SQL["suspend"], tenant_id)
        going: UUID | None = await connection.fetchval(SQL["open_task"], tenant_id, "offboarding")
        if going is not None:
            return going
        entry = _entry(tenant_id, actor, "tenant.offboarding", operation_id, shop)
        await record_fleet(connection, entry)
    async with eraser_tx(shop.database, tenant_id) as connection:
        if not await insert_task(
            connection, tenant_id, operation_id, "offboarding", now=now, not_before=now + wait
        ):
            operation_id = await connection.fetchval(SQL["open_task"], tenant_id, "offboarding")
    return operation_id


async def call_off(shop: Workshop, tenant_id: UUID, actor: Actor) -> bool:
    """Call a departure off whose time has not come; the tenant stays suspended until resumed.

    False: there is none, or its keys are being destroyed already.
    """
    async with eraser_tx(shop.database, tenant_id) as connection:
        gone = await connection.execute(SQL["call_off"], tenant_id, shop.clock.now())
        if not changed(gone):
            return False
        entry = _entry(tenant_id, actor, "tenant.offboarding_called_off", None, shop)
        await record(connection, entry)
    return True


async def offboard(shop: Workshop, task: Task) -> None:
    """Destroy everything of a tenant, to the receipt.

    A tenant that was opened again after the order stays as it is, and the task ends without one.

    Raises:
        TaskLostError: another worker goes on with it.
    """
    if not await _close(shop, task):
        await _stay(shop, task)
        return
    order = await _order(shop, task)
    async with eraser_tx(shop.database, task.tenant_id) as connection:
        others = (task.tenant_id, task.operation_id, shop.clock.now())
        await connection.execute(SQL["end_others"], *others)
        keys = changed(await connection.execute(SQL["drop_keys"], task.tenant_id))
        await keep(connection, shop, task, "app.tenant_keys", "app.tenant_keys", keys)
    shop.keys.forget(task.tenant_id)
    for _ in range(_MOST_PASSES):
        if not sum([await _empty(shop, task, table) for table in order]):
            break
    else:
        raise TaskLostError  # somebody still writes: the next worker finds it after the lease
    await _finish(shop, task)


async def _close(shop: Workshop, task: Task) -> bool:
    """Take the tenant its name; False: it was opened again before anything was destroyed."""
    async with system_tx(shop.database) as connection:
        status = await connection.fetchval(SQL["status_of"], task.tenant_id)
        if not task.stage and status != "suspended":
            action = "tenant.offboarding_called_off"
            entry = _entry(task.tenant_id, SYSTEM, action, task.operation_id, shop)
            await record_fleet(connection, entry)
            return False
        await connection.execute(SQL["close"], task.tenant_id, f"gone-{task.tenant_id.hex}")
    return True


async def _stay(shop: Workshop, task: Task) -> None:
    async with eraser_tx(shop.database, task.tenant_id) as connection:
        row = (task.tenant_id, task.operation_id, task.starts, shop.clock.now())
        if not changed(await connection.execute(SQL["stay"], *row)):
            raise TaskLostError


async def _order(shop: Workshop, task: Task) -> list[Table]:
    """Return the tables that go, those that refer to others first."""
    async with eraser_tx(shop.database, task.tenant_id) as connection:
        rows = await connection.fetch(_REFERENCES)
    needs: dict[str, set[str]] = {}
    for row in rows:
        needs.setdefault(row["target"], set()).add(row["source"])
    going = {each.name: each for each in tables() if not each.is_kept}
    order: list[Table] = []
    while going:
        free = [name for name in going if not (needs.get(name, set()) - {name}) & going.keys()]
        if not free:
            raise ValueError("the references between the tables go in a circle")
        order += [going.pop(name) for name in free]
    return order


_REFERENCES: Final = """
select format('%s.%s', sn.nspname, s.relname) as source,
       format('%s.%s', tn.nspname, t.relname) as target
  from pg_constraint k
  join pg_class s on s.oid = k.conrelid
  join pg_namespace sn on sn.oid = s.relnamespace
  join pg_class t on t.oid = k.confrelid
  join pg_namespace tn on tn.oid = t.relnamespace
 where k.contype = 'f' and sn.nspname in ('app', 'report')
"""


async def _empty(shop: Workshop, task: Task, table: Table) -> int:
    total = 0
    while True:
        async with eraser_tx(shop.database, task.tenant_id) as connection:
            rows = changed(
                await connection.execute(statement_of(table), task.tenant_id, shop.batch)
            )
            await keep(connection, shop, task, table.name, table.name, rows)
        total += rows
        if rows < shop.batch:
            return total


def statement_of(table: Table) -> str:
    """Return what deletes up to $2 rows of a tenant; branches of a conversation before it."""
    newest = " order by simulation_id desc" if table.name == "app.simulations" else ""
    return (
        f"delete from {table.name} where tenant_id = $1 and ctid = any (array("  # noqa: S608 - the map's names
        f"select ctid from {table.name} where tenant_id = $1{newest} limit $2))"
    )


async def _finish(shop: Workshop, task: Task) -> None:
    now = shop.clock.now()
    # Before the end, which is the last word: dying in between tells of it twice, never not at all.
    async with system_tx(shop.database) as connection:
        entry = _entry(task.tenant_id, SYSTEM, "tenant.offboarded", task.operation_id, shop)
        await record_fleet(connection, entry)
    async with eraser_tx(shop.database, task.tenant_id) as connection:
        counts = await counted(connection, task)
        receipt = Receipt(
            receipt="offboarding",
            operation=format_id("op", task.operation_id),
            tenant=format_id("ten", task.tenant_id),
            requested_at=moment(task.created_at),
            completed_at=moment(now),
            stores=stores(counts, {"app.tenant_keys": "key destroyed"}),
            kept=KEPT,
            backups=BACKUPS,
            public_key=public_key(shop.receipt_key),
        )
        await end(connection, shop, task, "succeeded", receipt=signed(receipt, shop.receipt_key))


def _entry(
    tenant_id: UUID, actor: Actor, action: str, operation_id: UUID | None, shop: Workshop
) -> Entry:
    return Entry(
        tenant_id=tenant_id,
        actor=actor,
        action=action,
        target=format_id("ten", tenant_id),
        request_id="",
        at=shop.clock.now(),
        facts={} if operation_id is None else {"operation": format_id("op", operation_id)},
    )
