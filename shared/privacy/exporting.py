"""Everything that rests of a person in one ZIP: JSON and CSV per table. GDPR 15 and 20.

The file is written in parts, sealed with the person's own key: an erasure makes noise of it too.
"""

import asyncio
import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from typing_extensions import override

from shared.db.pool import Connection
from shared.db.sealed import SealKey
from shared.db.tx import tenant_tx
from shared.errors import NotFoundError
from shared.ids import format_id
from shared.privacy.map import Table
from shared.privacy.reading import exported, rows_of
from shared.privacy.receipts import moment
from shared.privacy.tasks import MAX_STARTS, SQL, Task, Workshop, end, keep

FILE_PART: Final = "privacy_files.content"
"""Column of a part of a file."""


PART_BYTES: Final = 512 * 1024

_COMPUTED: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would compute, as the first character of a text."""

README: Final = """What Rapport holds about one person.

manifest.json   whose it is, when it was made, rows by table
data/*.json     one file per table: a list of objects, opened, with public ids
csv/*.csv       the same for spreadsheets; a text that would be computed begins with an apostrophe

Left out: keys, and keyed hashes of values that are here in the clear.
"""


def file_row(operation_id: UUID, part: int) -> bytes:
    """Return the row bytes of a part, which is known by operation and number."""
    return operation_id.bytes + part.to_bytes(4, "big")


async def export(shop: Workshop, task: Task) -> None:
    """Write the file of a task, all of it or nothing.

    Raises:
        TaskLostError: another worker goes on with it.
    """
    if task.learner_id is None:
        raise ValueError("an export is of somebody")
    async with tenant_tx(shop.database, task.tenant_id) as connection:
        try:
            own = await shop.keys.learner(connection, task.tenant_id, task.learner_id)
        except NotFoundError:
            own = None
        if own is None or task.starts > MAX_STARTS:  # erased meanwhile, or it cannot be done
            await end(connection, shop, task, "failed")
            return
        size = await _write(connection, shop, task, task.learner_id, own)
        await end(connection, shop, task, "succeeded", size_bytes=size)


async def _write(
    connection: Connection, shop: Workshop, task: Task, learner_id: UUID, own: SealKey
) -> int:
    await connection.execute(SQL["drop_parts"], task.tenant_id, task.operation_id)
    parts = _Parts(connection, task, own)
    tenant = await shop.keys.tenant(connection, task.tenant_id)
    counts: dict[str, int] = {}
    with zipfile.ZipFile(parts.pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for table in exported():
            rows = [row async for row in rows_of(connection, tenant, own, learner_id, table)]
            if rows:
                counts[table.name] = len(rows)
                await asyncio.to_thread(_add, archive, table, rows)
                await parts.store()
            await keep(connection, shop, task, table.name, table.name, len(rows))
        manifest = {
            "learner": format_id("lrn", learner_id),
            "made_at": moment(shop.clock.now()),
            "rows": counts,
        }
        archive.writestr("manifest.json", msgspec.json.format(msgspec.json.encode(manifest)))
        archive.writestr("README.txt", README)
    await parts.store(is_last=True)
    return parts.size


def _add(archive: zipfile.ZipFile, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    name = table.name.partition(".")[2]
    archive.writestr(f"data/{name}.json", msgspec.json.format(msgspec.json.encode(rows)))
    archive.writestr(f"csv/{name}.csv", _csv(rows))


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(rows[0])
    writer.writerows(_cells(row.values()) for row in rows)
    return text.getvalue()


def _cells(values: Iterable[Any]) -> list[str]:
    cells = []
    for value in values:
        if isinstance(value, str):
            cells.append(f"'{value}" if value.startswith(_COMPUTED) else value)
        elif value is None:
            cells.append("")
        else:
            cells.append(msgspec.json.encode(value).decode())
    return cells


class _Pipe(io.RawIOBase):
    """What the archive writes into; it never looks back."""

    def __init__(self) -> None:
        self.ready = bytearray()
        self._written = 0

    @override
    def writable(self) -> bool:
        return True

    @override
    def write(self, data: Any, /) -> int:
        self.ready += data
        self._written += len(data)
        return len(data)

    @override
    def tell(self) -> int:
        return self._written


class _Parts:
    """Stores what the pipe holds, sealed, whenever a part is full."""

    def __init__(self, connection: Connection, task: Task, own: SealKey) -> None:
        self.pipe = _Pipe()
        self.size = 0
        self._connection = connection
        self._task = task
        self._own = own
        self._parts = 0

    async def store(self, *, is_last: bool = False) -> None:
        """Store full parts; the last call stores all that is left."""
        ready = self.pipe.ready
        while len(ready) >= PART_BYTES or (is_last and ready):
            content = bytes(ready[:PART_BYTES])
            del ready[:PART_BYTES]
            row = file_row(self._task.operation_id, self._parts)
            await self._connection.execute(
                SQL["put_part"],
                self._task.tenant_id,
                self._task.operation_id,
                self._parts,
                self._own.seal(content, FILE_PART, row),
            )
            self._parts += 1
            self.size += len(content)
