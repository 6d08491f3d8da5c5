"""A tenant's plan, limits and state, changed from the command line."""

import contextlib
from collections.abc import AsyncIterator
from typing import cast
from uuid import UUID

import msgspec

from infra.tenants import TenantError
from shared.clock import Clock, SystemClock
from shared.db.pool import Connection, Database
from shared.db.tx import system_tx, tenant_tx
from shared.tenancy import changes
from shared.tenancy.book import limits_of
from shared.tenancy.limits import Defaults, LimitName, TenantStatus
from shared.trail.entries import Actor


class LimitRegistry:
    """Reads and changes what tenants may use; processes see a change within 5 seconds."""

    def __init__(
        self, database: Database, defaults: Defaults, *, clock: Clock | None = None
    ) -> None:
        self._database = database
        self._defaults = defaults
        self._clock = clock or SystemClock()

    async def set_plan(self, tenant_id: UUID, plan: str) -> None:
        """Give a tenant a plan; raises `TenantError`."""
        async with self._changing() as (connection, change):
            await changes.set_plan(connection, tenant_id, plan, change)

    async def set_limit(self, tenant_id: UUID, name: str, value: int | None, reason: str) -> None:
        """Let a limit differ from the plan, None: no bound; raises `TenantError`."""
        async with self._changing() as (connection, change):
            changes.check_override(name, value, reason)
            limit = cast("LimitName", name)
            await changes.set_override(connection, tenant_id, limit, value, reason, change)

    async def clear_limit(self, tenant_id: UUID, name: str) -> None:
        """Let the plan decide a limit again; raises `TenantError`."""
        async with self._changing() as (connection, change):
            await changes.clear_override(connection, tenant_id, cast("LimitName", name), change)

    async def set_status(self, tenant_id: UUID, status: str) -> None:
        """Put a tenant into a state; raises `TenantError`."""
        async with self._changing() as (connection, change):
            await changes.set_status(connection, tenant_id, cast("TenantStatus", status), change)

    async def show(self, tenant_id: UUID) -> tuple[tuple[str, str], ...]:
        """Return plan, state, every limit, and what differs from the plan; raises `TenantError`."""
        async with tenant_tx(self._database, tenant_id) as connection:
            found = await limits_of(connection, tenant_id, self._defaults)
            differing = await changes.overrides_with_reasons(connection, tenant_id)
        if found is None:
            raise TenantError("there is no such tenant")
        rows = [(name, _shown(value)) for name, value in msgspec.structs.asdict(found).items()]
        own = [(f"own {one.name}", f"{_shown(one.value)} ({one.reason})") for one in differing]
        return (*rows, *own)

    @contextlib.asynccontextmanager
    async def _changing(self) -> AsyncIterator[tuple[Connection, changes.Change]]:
        change = changes.Change(actor=Actor(kind="operator"), at=self._clock.now())
        try:
            async with system_tx(self._database) as connection:
                yield connection, change
        except changes.TenantChangeError as error:
            raise TenantError(str(error)) from None


def _shown(value: object) -> str:
    return "no bound" if value is None else str(value)
