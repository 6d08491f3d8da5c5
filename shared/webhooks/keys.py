"""The signing keys of a tenant."""

from datetime import datetime
from typing import Final
from uuid import UUID

from shared.db.pool import Connection
from shared.db.sealed import RandomBytes, TenantKey
from shared.db.sql import Queries
from shared.ids import IdMaker
from shared.webhooks.sealing import PRIVATE_KEY
from shared.webhooks.secrets import new_signing_pair

SQL: Final = Queries("shared.webhooks")


async def live_private_keys(
    connection: Connection, tenant_id: UUID, key: TenantKey, now: datetime
) -> list[bytes]:
    """Return the private keys that sign now, the current one first; none before the first pair."""
    rows = await connection.fetch(SQL["live_keys"], tenant_id, now)
    return [key.open(row["private_key"], PRIVATE_KEY, row["key_id"].bytes) for row in rows]


async def ensure_signing_pair(
    connection: Connection,
    tenant_id: UUID,
    key: TenantKey,
    *,
    ids: IdMaker,
    random: RandomBytes,
    now: datetime,
) -> None:
    """Make the tenant's first pair if it has none; of several at once, one makes it."""
    key_id = ids.new()
    pair = new_signing_pair(random)
    sealed = key.seal(pair.private_key, PRIVATE_KEY, key_id.bytes)
    await connection.execute(SQL["insert_key"], tenant_id, key_id, pair.public_key, sealed, now)
