"""Where processes get the keys for sealed columns."""

import base64
import binascii
from uuid import UUID

from shared.config import ConfigError, Settings
from shared.db.pool import Connection, Database
from shared.db.sealed import KEY_BYTES, MasterKey, SealKey, TenantKey
from shared.db.tx import tenant_tx
from shared.errors import NotFoundError

CACHED_TENANTS = 10_000
"""Unwrapped tenant keys a process keeps; a tenant's key never changes, so only memory bounds it."""


class KeyRing:
    """Unwraps keys. Tenant keys are cached; learner keys never are, so an erasure works at once."""

    def __init__(self, master: MasterKey) -> None:
        self._master = master
        self._tenants: dict[UUID, TenantKey] = {}

    async def tenant(self, connection: Connection, tenant_id: UUID) -> TenantKey:
        """Return the key of the tenant whose transaction this is.

        Raises:
            NotFoundError: the tenant does not exist.
        """
        cached = self._tenants.get(tenant_id)
        if cached is not None:
            return cached
        wrapped = await connection.fetchval(
            "select wrapped from tenant_keys where tenant_id = $1 order by key_id desc limit 1",
            tenant_id,
        )
        if wrapped is None:
            raise NotFoundError
        if len(self._tenants) >= CACHED_TENANTS:
            self._tenants.pop(next(iter(self._tenants)))
        key = self._tenants[tenant_id] = self._master.tenant_key(tenant_id, wrapped)
        return key

    async def warm(self, database: Database, tenant_id: UUID) -> TenantKey:
        """Return the tenant's key, opening a transaction of its own only when it is not cached."""
        cached = self._tenants.get(tenant_id)
        if cached is not None:
            return cached
        async with tenant_tx(database, tenant_id) as connection:
            return await self.tenant(connection, tenant_id)

    async def learner(self, connection: Connection, tenant_id: UUID, learner_id: UUID) -> SealKey:
        """Return a learner's key.

        Raises:
            NotFoundError: no such learner, or the learner was erased.
        """
        tenant = await self.tenant(connection, tenant_id)
        wrapped = await connection.fetchval(
            "select wrapped from learner_keys where tenant_id = $1 and learner_id = $2",
            tenant_id,
            learner_id,
        )
        if wrapped is None:
            raise NotFoundError
        return tenant.learner_key(learner_id, wrapped)


def key_ring(settings: Settings) -> KeyRing:
    """Build the key ring of a process.

    Raises:
        ConfigError: RAPPORT_MASTER_KEY is not base64 of 32 bytes.
    """
    return KeyRing(MasterKey(read_master_key(settings)))


def read_master_key(settings: Settings) -> bytes:
    """Return the 32 bytes of the installation's key.

    Raises:
        ConfigError: RAPPORT_MASTER_KEY is not base64 of 32 bytes.
    """
    try:
        key = base64.b64decode(settings.master_key.reveal, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigError("RAPPORT_MASTER_KEY is not base64 of 32 bytes")
    return key
