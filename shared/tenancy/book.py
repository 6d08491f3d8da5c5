"""Tenants' limits as a process knows them, at most some seconds old."""

import asyncio
import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from shared.db.pool import Connection, Database
from shared.db.sql import Queries
from shared.db.tx import tenant_reads
from shared.log import get_logger
from shared.tenancy.limits import STANDARD, Defaults, TenantLimits, effective

log = get_logger()

SQL: Final = Queries("shared.tenancy")

FRESH_S: Final = 5.0
"""Longest seconds until every process sees a change."""

REMEMBERED: Final = 20_000
"""Tenants that a process remembers; the oldest goes first."""

WAIT_S: Final = 2.0
"""Seconds the database has to answer; then what was known goes on to hold."""

TROUBLE: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""What a database that does not answer raises."""


async def limits_of(
    connection: Connection, tenant_id: UUID, defaults: Defaults
) -> TenantLimits | None:
    """Return a tenant's limits as the database has them, in its own transaction; None: none."""
    row = await connection.fetchrow(SQL["find"], tenant_id)
    if row is None:
        return None
    overrides = {} if row["overrides"] is None else msgspec.json.decode(row["overrides"])
    return effective(row["plan"], row["status"], overrides, defaults)


class LimitsBook:
    """Looks limits up at most once in `FRESH_S` seconds per tenant; nobody idle is looked up."""

    def __init__(
        self,
        database: Database,
        defaults: Defaults,
        *,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reads = tenant_reads(database)
        self._defaults = defaults
        self._now_s = now_s
        self._known: dict[UUID, tuple[float, TenantLimits]] = {}
        self._reading: dict[UUID, asyncio.Task[TenantLimits]] = {}

    def known(self, tenant_id: UUID) -> TenantLimits | None:
        """Return the limits when they are fresh; costs no query."""
        found = self._known.get(tenant_id)
        if found is None or self._now_s() - found[0] >= FRESH_S:
            return None
        return found[1]

    def last_known(self, tenant_id: UUID) -> TenantLimits | None:
        """Return the limits as they were seen last, however long ago."""
        found = self._known.get(tenant_id)
        return None if found is None else found[1]

    def at_once(self, tenant_id: UUID) -> TenantLimits | None:
        """Return the limits as they were seen last, and look them up beside the caller when that
        is long ago; None: they never were.
        """
        found = self.last_known(tenant_id)
        if found is not None and self.known(tenant_id) is None:
            _ = self._begin(tenant_id)
        return found

    async def at_hand(self, tenant_id: UUID) -> TenantLimits:
        """Return the limits as they were seen last; asks only where they never were.

        For use inside a transaction: waiting there for a second connection could wait for ever.
        """
        found = self.last_known(tenant_id)
        return found if found is not None else await self.read(tenant_id)

    async def of(self, tenant_id: UUID) -> TenantLimits:
        """Return the limits; without the database those seen last, or the standard plan's."""
        found = self.known(tenant_id)
        return found if found is not None else await self.read(tenant_id)

    async def read(self, tenant_id: UUID) -> TenantLimits:
        """Look limits up now; of many who ask at once one looks for all."""
        return await asyncio.shield(self._begin(tenant_id))

    def _begin(self, tenant_id: UUID) -> asyncio.Task[TenantLimits]:
        task = self._reading.get(tenant_id)
        if task is None:
            task = asyncio.create_task(self._read(tenant_id))
            self._reading[tenant_id] = task
            task.add_done_callback(lambda _: self._reading.pop(tenant_id, None))
        return task

    async def _read(self, tenant_id: UUID) -> TenantLimits:
        asked_at = self._now_s()
        try:
            async with asyncio.timeout(WAIT_S):
                found = await limits_of(self._reads, tenant_id, self._defaults)
        except TROUBLE as error:
            log.warning("limits.unknown", error=type(error).__name__)
            found = self.last_known(tenant_id)
        limits = found or effective(STANDARD, "active", {}, self._defaults)
        self._known.pop(tenant_id, None)
        if len(self._known) >= REMEMBERED:
            self._known.pop(next(iter(self._known)))
        self._known[tenant_id] = (asked_at, limits)
        return limits
