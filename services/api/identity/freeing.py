"""What an operator does when the wrong tenant holds a pair of issuer and audience."""

from typing import Final
from uuid import UUID

from services.api.identity.service import TARGET, find_settings, forget_settings
from services.api.identity.settings import pair_hash
from shared.clock import Clock
from shared.db.keys import KeyRing
from shared.db.pool import Connection, Database
from shared.db.sql import Queries
from shared.db.tx import system_tx, tenant_tx
from shared.errors import NotFoundError
from shared.trail.entries import Actor, Entry, digest, record

_SQL: Final = Queries("services.api.identity")


async def find_holder(database: Database, issuer: str, audience: str) -> UUID | None:
    """Return the tenant that has a pair; None: nobody has, so anybody may take it."""
    async with system_tx(database) as connection:
        row = await connection.fetchrow(_SQL["find_pairs"], [pair_hash(issuer, audience)])
    return None if row is None else row["tenant_id"]


async def free(
    database: Database, keys: KeyRing, clock: Clock, issuer: str, audience: str
) -> UUID | None:
    """Take a pair from the tenant that has it, with all it has set; return which that was.

    None: nobody has it. Nobody signs in there by that provider from then on, within 10 seconds.
    The entry in the tenant's audit trail commits with it.
    """
    tenant_id = await find_holder(database, issuer, audience)
    if tenant_id is None:
        return None
    now = clock.now()
    async with tenant_tx(database, tenant_id) as connection:
        await connection.execute(_SQL["hold_settings"], str(tenant_id))
        pair = pair_hash(issuer, audience)
        if not await connection.fetchval(_SQL["hold_pair"], tenant_id, pair):
            return None  # it has just let go of it by itself
        was = await _digest_of(connection, keys, tenant_id)
        await forget_settings(connection, tenant_id, now)
        entry = Entry(
            tenant_id=tenant_id,
            actor=Actor(kind="operator"),
            action="identity.freed",
            target=TARGET,
            request_id="",
            at=now,
            before=was,
        )
        await record(connection, entry)
    return tenant_id


async def _digest_of(connection: Connection, keys: KeyRing, tenant_id: UUID) -> bytes | None:
    """Return the digest of what is set; None where the keys are gone: the tenant is leaving."""
    try:
        tenant = await keys.tenant(connection, tenant_id)
    except NotFoundError:
        return None
    found = await find_settings(connection, tenant)
    return None if found is None else digest(found.settings)
