"""Changing keys: a tenant's own, and the one of the installation.

A tenant's new key is written at once and seals from a moment on that every process has learned of
it by (`shared.db.keys.KEPT_S`). Then every value that an older key sealed is sealed anew, in
bounded transactions beside the running product, and the older keys are destroyed. Learners' keys
stay what they are, wrapped by the new key. Lookups by keyed hash never notice.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from shared.db.keys import KEPT_S, KeyRing
from shared.db.pool import Connection, Database
from shared.db.sealed import LOOKUP_ID, MasterKey, TenantKey
from shared.db.tx import system_tx, tenant_tx
from shared.ids import format_id
from shared.privacy.map import HAS_LEARNER, Sealed, Table, tables
from shared.privacy.rights import eraser_tx
from shared.privacy.tasks import SQL, Task, TaskLostError, Workshop, end, insert_task, keep
from shared.trail.entries import SYSTEM, Actor, Entry, record

GRACE: Final = timedelta(seconds=2 * KEPT_S)
"""From writing a new key until it seals; as long again until values are sealed anew."""

_MOST_KEYS: Final = 255
"""The id of a key is one byte."""


class RotationError(Exception):
    """The keys cannot be changed; the message says why in one line."""


async def begin_rotation(
    shop: Workshop, master: MasterKey, tenant_id: UUID, actor: Actor, *, grace: timedelta = GRACE
) -> UUID:
    """Give a tenant a new key; return the operation. One that is going on is returned instead.

    Raises:
        NotFoundError: no such tenant.
        RotationError: it has had all the keys there can be.
    """
    now, operation_id = shop.clock.now(), shop.ids.new()
    async with tenant_tx(shop.database, tenant_id) as connection:
        tenant = await KeyRing(master).tenant(connection, tenant_id)
    async with eraser_tx(shop.database, tenant_id) as connection:
        rows = await connection.fetch(SQL["lock_tenant_keys"], tenant_id)
        rows = await connection.fetch(SQL["tenant_keys"], tenant_id, now)
        active_from = now + grace
        if not await insert_task(
            connection, tenant_id, operation_id, "key_rotation",
            now=now, not_before=active_from + grace,
        ):  # fmt: skip
            going: UUID = await connection.fetchval(SQL["open_task"], tenant_id, "key_rotation")
            return going
        key_id = max(row["key_id"] for row in rows) + 1
        if key_id > _MOST_KEYS:
            raise RotationError("the tenant has had all the 255 keys there can be")
        lookup = master.wrap(tenant_id, LOOKUP_ID, tenant.lookup_key)
        new = master.new_tenant_key(tenant_id, key_id)
        await connection.execute(SQL["insert_tenant_key"], tenant_id, LOOKUP_ID, lookup, now, None)
        await connection.execute(SQL["insert_tenant_key"], tenant_id, key_id, new, now, active_from)
        entry = Entry(
            tenant_id=tenant_id,
            actor=actor,
            action="tenant_key.rotated",
            target=format_id("ten", tenant_id),
            request_id="",
            at=now,
            facts={"key": key_id, "operation": format_id("op", operation_id)},
        )
        await record(connection, entry)
    return operation_id


async def reseal(shop: Workshop, task: Task) -> None:
    """Seal anew what older keys sealed, then destroy them.

    Raises:
        TaskLostError: another worker goes on with it.
    """
    shop.keys.forget(task.tenant_id)
    async with tenant_tx(shop.database, task.tenant_id) as connection:
        tenant = await shop.keys.tenant(connection, task.tenant_id)
    for table in tables():
        for sealed in table.of_key("tenant", "either"):
            await _reseal_column(shop, task, tenant, table, sealed)
        if table.name == "app.learner_keys":
            wrapped = Sealed(
                name="wrapped", place="learner_keys.wrapped", row=(("learner_id", 0),),
                whose="tenant",
            )  # fmt: skip
            await _reseal_column(shop, task, tenant, table, wrapped)
    async with eraser_tx(shop.database, task.tenant_id) as connection:
        if await connection.fetchval(SQL["newest_key"], task.tenant_id) != tenant.key_id:
            raise TaskLostError  # its time has not come by the database's clock: later
        await connection.execute(SQL["drop_old_keys"], task.tenant_id, tenant.key_id)
        await end(connection, shop, task, "succeeded")
        entry = Entry(
            tenant_id=task.tenant_id,
            actor=SYSTEM,
            action="tenant_key.destroyed",
            target=format_id("ten", task.tenant_id),
            request_id="",
            at=shop.clock.now(),
            facts={"kept": tenant.key_id, "operation": format_id("op", task.operation_id)},
        )
        await record(connection, entry)
    shop.keys.forget(task.tenant_id)


async def _reseal_column(
    shop: Workshop, task: Task, tenant: TenantKey, table: Table, sealed: Sealed
) -> None:
    """Seal a column anew, some rows at a time, until no row is left that another key sealed."""
    find, write = statements_of(table, sealed)
    while True:
        async with eraser_tx(shop.database, task.tenant_id) as connection:
            rows = await connection.fetch(find, task.tenant_id, tenant.key_id, shop.batch)
            for row in rows:
                await _reseal_row(connection, write, task.tenant_id, tenant, sealed, row)
            await keep(connection, shop, task, table.name, table.name, len(rows))
        if len(rows) < shop.batch:
            return


async def _reseal_row(
    connection: Connection,
    write: str,
    tenant_id: UUID,
    tenant: TenantKey,
    sealed: Sealed,
    row: asyncpg.Record,
) -> None:
    place = sealed.row_bytes(dict(row))
    old: bytes = row[sealed.name]
    new = tenant.seal(tenant.open(old, sealed.place, place), sealed.place, place)
    await connection.execute(write, tenant_id, row["ctid"], new)


def statements_of(table: Table, sealed: Sealed) -> tuple[str, str]:
    """Return what finds and locks rows that another key than $2 sealed, and what writes one."""
    column, name = sealed.name, table.name
    parts = "".join(f", {each}" for each, _ in sealed.row if each != column)
    mine = ""
    if sealed.whose == "either":
        mine = f" and not ({HAS_LEARNER[table.mine or 'learner']})"
    find = (
        f"select ctid, {column}{parts} from {name} where tenant_id = $1"  # noqa: S608 - the map's names
        f" and length({column}) > 0 and get_byte({column}, 1) <> $2{mine} limit $3 for update"
    )
    write = f"update {name} set {column} = $3 where tenant_id = $1 and ctid = $2"  # noqa: S608 - the map's names
    return find, write


async def rewrap_all(database: Database, master: MasterKey, *, hash_key: bytes) -> int:
    """Wrap the keys of all tenants with the newest master key; return how many were not yet.

    May be run again at any time; what is done is left alone.

    Args:
        database: Of the installation.
        master: With the one before as `previous`.
        hash_key: What keys the hashes of the installation; kept as it is.

    Raises:
        UnknownKeyError: neither master key opens a tenant's key; those before it are done.
    """
    async with system_tx(database) as connection:
        await connection.execute(
            SQL["put_hash_key"], master.wrap_hash_key(hash_key), await _now(connection)
        )
        tenants = [row["tenant_id"] for row in await connection.fetch(SQL["all_tenants"])]
    return sum([await _rewrap(database, master, tenant_id) for tenant_id in tenants])


async def _rewrap(database: Database, master: MasterKey, tenant_id: UUID) -> int:
    async with eraser_tx(database, tenant_id) as connection:
        rows = await connection.fetch(SQL["tenant_keys"], tenant_id, await _now(connection))
        done = 0
        for row in rows:
            wrapped = master.rewrap(tenant_id, row["key_id"], row["wrapped"])
            if wrapped is not None:
                await connection.execute(
                    SQL["set_wrapped"], tenant_id, row["key_id"], row["wrapped"], wrapped
                )
                done += 1
    return done


async def _now(connection: Connection) -> datetime:
    now: datetime = await connection.fetchval("select now()")
    return now
