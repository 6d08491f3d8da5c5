"""Everything that rests of a person in one ZIP: JSON and CSV per table. GDPR 15 and 20.

The file is written in parts, sealed with the person's own key: an erasure makes noise of it too.
"""

import asyncio
import zipfile
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from shared.db.pool import Connection
from shared.db.sealed import SealKey
from shared.db.tx import tenant_tx
from shared.errors import NotFoundError
from shared.ids import format_id
from shared.privacy.archive import FILE_PART, Parts, csv_text, file_row
from shared.privacy.map import Table
from shared.privacy.reading import exported, rows_of
from shared.privacy.receipts import moment
from shared.privacy.tasks import MAX_STARTS, SQL, Task, Workshop, end, keep

README: Final = """What Rapport holds about one person.

manifest.json   whose it is, when it was made, rows by table
data/*.json     one file per table: a list of objects, opened, with public ids
csv/*.csv       the same for spreadsheets; a text that would be computed begins with an apostrophe

Left out: keys, and keyed hashes of values that are here in the clear.
"""


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

    async def store(part: int, content: bytes) -> None:
        sealed = own.seal(content, FILE_PART, file_row(task.operation_id, part))
        await connection.execute(SQL["put_part"], task.tenant_id, task.operation_id, part, sealed)

    parts = Parts(store)
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
    archive.writestr(f"csv/{name}.csv", csv_text([rows[0], *(row.values() for row in rows)]))
