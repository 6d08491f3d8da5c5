"""The only way to become `rapport_eraser`: for one transaction of one tenant."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from shared.db.pool import Connection, Database
from shared.db.tx import tenant_tx


@asynccontextmanager
async def eraser_tx(database: Database, tenant_id: UUID) -> AsyncIterator[Connection]:
    """Open a transaction that may change and delete every row of one tenant, and no other's.

    Services only add to most tables; what they added is out of their own reach.
    """
    async with tenant_tx(database, tenant_id) as connection:
        await connection.execute("set local role rapport_eraser")
        yield connection
