"""Everything of a tenant in one ZIP: JSON and CSV per table, as it stood at one moment.

What is read is opened page by page and rests sealed, part by part, with the tenant's own key: no
more than a page and a part are ever in memory, and nothing is ever on disk in the clear. [R-C12]
"""

import asyncio
import zipfile
from collections.abc import AsyncIterator
from typing import IO, Final

import msgspec

from shared.db.keys import KeyRing
from shared.db.pool import Connection
from shared.db.tx import tenant_snapshot, tenant_tx
from shared.errors import NotFoundError
from shared.ids import format_id
from shared.privacy.archive import FILE_PART, Parts, csv_text, file_row
from shared.privacy.map import Table
from shared.privacy.receipts import moment
from shared.privacy.tasks import LEASE, MAX_STARTS, SQL, Task, TaskLostError, Workshop, end, keep
from shared.privacy.whole import Reader, Row, columns_of, whole

_RENEW_S: Final = LEASE.total_seconds() / 4

README: Final = """Everything that Rapport holds of a tenant, as it stood when this was made.

manifest.json   whose it is, when it was made, rows by table
data/*.json     one file per table: a list of objects, opened, with public ids
csv/*.csv       the same for spreadsheets; a text that would be computed begins with an apostrophe

Left out: keys, and keyed hashes of values that are here in the clear; secrets (of webhooks, of a
learning record store, of a language model's provider); files of earlier exports.
Of people who were erased there are ids and numbers only.
"""


async def export_tenant(shop: Workshop, task: Task) -> None:
    """Write the file of a task, all of it or nothing.

    Raises:
        TaskLostError: another worker goes on with it, or begins anew because somebody is being
            erased, or was meanwhile, whose words must not be in it.
    """
    async with tenant_tx(shop.database, task.tenant_id) as connection:
        await connection.execute(SQL["drop_parts"], task.tenant_id, task.operation_id)
        await connection.execute(SQL["begin_anew"], task.tenant_id, task.operation_id)
        if task.starts > MAX_STARTS or not await _has_keys(connection, shop.keys, task):
            await end(connection, shop, task, "failed")
            return
    async with tenant_snapshot(shop.database, task.tenant_id) as reading:
        if await reading.fetchval(SQL["is_erasing"], task.tenant_id):
            raise TaskLostError  # its sweep may be past the file, and what we see is before it
        erased = await reading.fetchval(SQL["erased_people"], task.tenant_id)
        written = await _Writing(shop, task, reading).write()
    async with tenant_tx(shop.database, task.tenant_id) as connection:
        if not await _is_good(connection, task, erased, written.count):
            raise TaskLostError
        await end(connection, shop, task, "succeeded", size_bytes=written.size)


async def _is_good(connection: Connection, task: Task, erased: int, parts: int) -> bool:
    """Say whether nobody was erased since, and no erasure took parts of the file away.

    Whoever is erased after this finds the whole file, and deletes it.
    """
    now_erased = await connection.fetchval(SQL["erased_people"], task.tenant_id)
    there = await connection.fetchval(SQL["count_parts"], task.tenant_id, task.operation_id)
    return bool(now_erased == erased and there == parts)


async def _has_keys(connection: Connection, keys: KeyRing, task: Task) -> bool:
    try:
        await keys.tenant(connection, task.tenant_id)
    except NotFoundError:  # it has left
        return False
    return True


class _Writing:
    """One attempt at a file."""

    def __init__(self, shop: Workshop, task: Task, reading: Connection) -> None:
        self._shop = shop
        self._task = task
        self._reading = reading
        self._parts = Parts(self._store)
        self._renew_at = 0.0
        self._stage = "begun"

    async def write(self) -> Parts:
        """Write everything; return what came of it."""
        task, counts = self._task, dict[str, int]()
        made_at = moment(self._shop.clock.now())
        reader = Reader(self._reading, await self._shop.keys.tenant(self._reading, task.tenant_id))
        with zipfile.ZipFile(self._parts.pipe, "w", zipfile.ZIP_DEFLATED) as archive:
            for table in whole():
                self._stage = table.name
                # Twice, because a ZIP takes one file after the other, and neither fits into memory.
                counts[table.name] = await self._json(archive, table, reader.pages(table))
                await self._csv(archive, table, reader.pages(table))
                await self._keep(counts[table.name])
            manifest = {
                "tenant": format_id("ten", task.tenant_id),
                "made_at": made_at,
                "rows": counts,
            }
            archive.writestr("manifest.json", msgspec.json.format(msgspec.json.encode(manifest)))
            archive.writestr("README.txt", README)
        await self._parts.store(is_last=True)
        return self._parts

    async def _json(
        self, archive: zipfile.ZipFile, table: Table, pages: AsyncIterator[list[Row]]
    ) -> int:
        columns, count = columns_of(table), 0
        with archive.open(f"data/{_short(table)}.json", "w", force_zip64=True) as file:
            file.write(b"[")
            async for rows in pages:
                await asyncio.to_thread(_write_json, file, columns, rows, is_first=not count)
                count += len(rows)
                await self._go_on()
            file.write(b"\n]\n")
        return count

    async def _csv(
        self, archive: zipfile.ZipFile, table: Table, pages: AsyncIterator[list[Row]]
    ) -> None:
        with archive.open(f"csv/{_short(table)}.csv", "w", force_zip64=True) as file:
            file.write(csv_text([columns_of(table)]).encode())
            async for rows in pages:
                await asyncio.to_thread(_write_csv, file, rows)
                await self._go_on()

    async def _go_on(self) -> None:
        """Store what is full, and say now and then that somebody is at it."""
        await self._parts.store()
        if asyncio.get_running_loop().time() >= self._renew_at:
            await self._keep(0)

    async def _keep(self, rows: int) -> None:
        self._renew_at = asyncio.get_running_loop().time() + _RENEW_S
        async with tenant_tx(self._shop.database, self._task.tenant_id) as connection:
            await keep(connection, self._shop, self._task, self._stage, self._stage, rows)

    async def _store(self, part: int, content: bytes) -> None:
        task, shop = self._task, self._shop
        row = file_row(task.operation_id, part)
        async with tenant_tx(shop.database, task.tenant_id) as connection:
            # With the key of now: it may have changed since the first part.
            tenant = await shop.keys.tenant(connection, task.tenant_id)
            sealed = tenant.seal(content, FILE_PART, row)
            await connection.execute(
                SQL["put_part"], task.tenant_id, task.operation_id, part, sealed
            )
            await keep(connection, shop, task, self._stage, self._stage, 0)


def _write_json(
    file: IO[bytes], columns: tuple[str, ...], rows: list[Row], *, is_first: bool
) -> None:
    lines = (msgspec.json.encode(dict(zip(columns, row, strict=True))) for row in rows)
    file.write((b"\n" if is_first else b",\n") + b",\n".join(lines))


def _write_csv(file: IO[bytes], rows: list[Row]) -> None:
    file.write(csv_text(rows).encode())


def _short(table: Table) -> str:
    return table.name.partition(".")[2]
