"""Where processes get the keys for sealed columns."""

import asyncio
import base64
import binascii
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final
from uuid import UUID

import msgspec

from shared.config import ConfigError, Secret, Settings
from shared.db.pool import Connection, Database
from shared.db.sealed import KEY_BYTES, MasterKey, SealKey, TenantKey, UnknownKeyError, WrappedKey
from shared.db.tx import system_tx, tenant_reads
from shared.errors import NotFoundError
from shared.log import get_logger
from shared.tasks import end

log = get_logger()

CACHED_TENANTS: Final = 10_000
"""Unwrapped tenant keys a process keeps."""

KEPT_S: Final = 60.0
"""Seconds after which a process reads a tenant's keys again. A new key begins to seal only when
every process has had this long to learn of it, and one that was destroyed is forgotten as fast."""

REFRESH_S: Final = 20.0
"""Seconds between two looks of a process whether the keys it has are still the ones."""

USED_S: Final = 3600.0
"""Nobody looks after a tenant that was not asked for so long: its next use reads its keys."""

_SOON_S: Final = 0.05
"""Least pause between two looks."""

_KEYS: Final = """
select key_id, wrapped, active_from is null or active_from <= now() as is_active,
       extract(epoch from active_from - now())::float8 as until_active_s
  from tenant_keys
 where tenant_id = $1
 order by active_from nulls first, key_id
"""

_KEY_IDS: Final = "select tenant_id, key_id from tenant_keys where tenant_id = any ($1::uuid[])"

_HASH_KEY: Final = "select wrapped from installation_keys where name = 'hashes'"


class _Kept(msgspec.Struct, kw_only=True):
    """A tenant's keys in memory; times are of the process's own clock."""

    key: TenantKey
    key_ids: frozenset[int]
    until: float
    """From then on they are not used, unless a look has found that they are still right."""
    changes_at: float | None
    """When another one of them begins to seal."""
    used_at: float


class KeyRing:
    """Unwraps keys. Tenant keys are cached; learner keys never are, so an erasure works at once.

    What is cached is trusted for `KEPT_S`. A process that answers people calls `start`: then one
    query looks every `REFRESH_S` after all tenants in use, and no request waits for it.
    """

    def __init__(self, master: MasterKey, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._master = master
        self._monotonic = monotonic
        self._tenants: dict[UUID, _Kept] = {}
        self._loop: asyncio.Task[None] | None = None

    def start(self, database: Database) -> "KeyRing":
        """Look after the keys in the background until `stop`; return itself."""
        self._loop = asyncio.create_task(self._look_after(database))
        return self

    async def stop(self) -> None:
        """Look after nothing any more."""
        await end([] if self._loop is None else [self._loop])

    async def tenant(self, connection: Connection, tenant_id: UUID) -> TenantKey:
        """Return the keys of the tenant whose transaction this is.

        Raises:
            NotFoundError: the tenant does not exist, or has left.
            UnknownKeyError: another master key wrapped them.
        """
        now = self._monotonic()
        kept = self._tenants.get(tenant_id)
        if kept is not None and now < kept.until:
            kept.used_at = now
            return kept.key
        return await self._read(connection, tenant_id, used_at=now)

    async def refresh(self, database: Database) -> None:
        """Look once whether the keys of the tenants in use are still the ones.

        Those that are can be used for another `KEPT_S`; others are read again.

        Raises:
            asyncpg.PostgresError, OSError: the database is away; what is cached runs out.
        """
        now = self._monotonic()
        used = {one: kept for one, kept in self._tenants.items() if now - kept.used_at < USED_S}
        if not used:
            return
        async with system_tx(database) as connection:
            rows = await connection.fetch(_KEY_IDS, list(used))
        there: dict[UUID, set[int]] = {}
        for row in rows:
            there.setdefault(row["tenant_id"], set()).add(row["key_id"])
        for tenant_id, kept in used.items():
            changes_at = kept.changes_at
            is_due = changes_at is not None and changes_at <= now
            if kept.key_ids == frozenset(there.get(tenant_id, ())) and not is_due:
                kept.until = _earlier(now + KEPT_S, changes_at)
                continue
            with suppress(NotFoundError, UnknownKeyError):  # its next use says so
                await self._read(tenant_reads(database), tenant_id, used_at=kept.used_at)

    async def _read(self, connection: Connection, tenant_id: UUID, *, used_at: float) -> TenantKey:
        now = self._monotonic()
        rows = await connection.fetch(_KEYS, tenant_id)
        if not rows:
            self._tenants.pop(tenant_id, None)
            raise NotFoundError
        if len(self._tenants) >= CACHED_TENANTS:
            self._tenants.pop(next(iter(self._tenants)))
        wrapped = [
            WrappedKey(key_id=row["key_id"], wrapped=row["wrapped"], is_active=row["is_active"])
            for row in rows
        ]
        key = self._master.tenant_keys(tenant_id, wrapped, lambda: self.forget(tenant_id))
        waits = [row["until_active_s"] for row in rows if not row["is_active"]]
        # By the clock after the answer: a look before its time would find the key asleep.
        changes_at = self._monotonic() + max(0.0, min(waits)) if waits else None
        self._tenants[tenant_id] = _Kept(
            key=key,
            key_ids=frozenset(row["key_id"] for row in rows),
            until=_earlier(now + KEPT_S, changes_at),
            changes_at=changes_at,
            used_at=used_at,
        )
        return key

    async def _look_after(self, database: Database) -> None:
        while True:
            await asyncio.sleep(self._pause_s())
            try:
                await self.refresh(database)
            except Exception as error:
                log.warning("keys.look_failed", error=type(error).__name__)
                await asyncio.sleep(1.0)

    def _pause_s(self) -> float:
        """Return the seconds until the next look: a key that begins to seal hastens it."""
        now = self._monotonic()
        changes = [
            kept.changes_at - now for kept in self._tenants.values() if kept.changes_at is not None
        ]
        return max(_SOON_S, min([REFRESH_S, *changes]))

    async def warm(self, database: Database, tenant_id: UUID) -> TenantKey:
        """Return the tenant's keys, with one round trip of its own when they are not cached."""
        return await self.tenant(tenant_reads(database), tenant_id)

    def forget(self, tenant_id: UUID) -> None:
        """Read a tenant's keys again before their next use."""
        self._tenants.pop(tenant_id, None)

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


def _earlier(until: float, other: float | None) -> float:
    return until if other is None else min(until, other)


def key_ring(settings: Settings) -> KeyRing:
    """Build the key ring of a process.

    Raises:
        ConfigError: a master key is not base64 of 32 bytes.
    """
    return KeyRing(read_master(settings))


def read_master(settings: Settings) -> MasterKey:
    """Return the installation's key, which opens what the one before has wrapped.

    Raises:
        ConfigError: RAPPORT_MASTER_KEY or RAPPORT_MASTER_KEY_PREVIOUS is not base64 of 32 bytes.
    """
    before = settings.master_key_previous
    previous = _decoded(before, "RAPPORT_MASTER_KEY_PREVIOUS") if before.reveal else None
    return MasterKey(read_master_key(settings), previous=previous)


def read_master_key(settings: Settings) -> bytes:
    """Return the 32 bytes of the installation's key.

    Raises:
        ConfigError: RAPPORT_MASTER_KEY is not base64 of 32 bytes.
    """
    return _decoded(settings.master_key, "RAPPORT_MASTER_KEY")


async def read_hash_key(database: Database, settings: Settings) -> bytes:
    """Return the 32 bytes that key the hashes of idempotency keys and of allowed origins.

    What was hashed must be found again when the installation has another master key, so this stays
    what the first one was: it rests in the database, wrapped, from the first change on.

    Raises:
        ConfigError: a master key is not base64 of 32 bytes.
        UnknownKeyError: another master key wrapped it.
    """
    async with system_tx(database) as connection:
        wrapped = await connection.fetchval(_HASH_KEY)
    if wrapped is not None:
        return read_master(settings).open_hash_key(wrapped)
    before = settings.master_key_previous
    if before.reveal:
        return _decoded(before, "RAPPORT_MASTER_KEY_PREVIOUS")
    return read_master_key(settings)


def _decoded(secret: Secret, variable: str) -> bytes:
    try:
        key = base64.b64decode(secret.reveal, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigError(f"{variable} is not base64 of 32 bytes")
    return key
