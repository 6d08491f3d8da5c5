"""Keys of operators: what they may do, and how they are made and revoked. System role."""

from datetime import datetime
from typing import Final, Literal, get_args
from uuid import UUID

from shared.db.pool import Connection
from shared.ids import IdMaker
from shared.keys import NewKey, RandomBytes, new_key

OpsScope = Literal["ops:read", "tenants:write", "limits:write", "work:write", "usage:read"]
"""`ops:read`: everything that is shown but usage. `work:write`: retry what is stuck, replay dead
letters."""

OPS_SCOPES: Final[tuple[OpsScope, ...]] = get_args(OpsScope)
"""Everything an operator's key may be allowed to do."""

_INSERT: Final = """
insert into ops_keys (key_id, hash, name, scopes, expires_at, created_at)
values ($1, $2, $3, $4, $5, $6)
"""

_REVOKE: Final = """
update ops_keys set revoked_at = $2 where key_id = $1 and revoked_at is null
"""


async def make_ops_key(
    connection: Connection,
    *,
    ids: IdMaker,
    random: RandomBytes,
    now: datetime,
    name: str = "",
    scopes: tuple[OpsScope, ...] = OPS_SCOPES,
    expires_at: datetime | None = None,
) -> NewKey:
    """Store a new key of an operator; its text is in no table."""
    key = new_key("ops", ids, random)
    await connection.execute(_INSERT, key.key_id, key.hash, name, list(scopes), expires_at, now)
    return key


async def revoke_ops_key(connection: Connection, key_id: UUID, now: datetime) -> bool:
    """Revoke a key; say whether that changed anything. It is refused from the next call on."""
    return await connection.execute(_REVOKE, key_id, now) != "UPDATE 0"
