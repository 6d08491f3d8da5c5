"""Which version a request speaks: its own header, else the tenant's pin."""

import asyncio
import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

from services.api.versions.changes import CURRENT
from services.api.versions.transform import is_known
from shared.db.pool import Database
from shared.db.sql import Queries
from shared.db.tx import system_tx, tenant_tx
from shared.errors import ApiVersionUnknownError, FieldError

CACHE_S: Final = 5.0
"""Longest seconds until a moved pin counts everywhere."""

CACHED_TENANTS: Final = 10_000

HEADER: Final = b"api-version"

_SQL = Queries("services.api.versions")


class VersionService:
    """Pins tenants, and remembers their pins for `CACHE_S` seconds."""

    def __init__(self, database: Database, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic = monotonic
        self._known: dict[UUID, tuple[str, float]] = {}
        self._reading: dict[UUID, asyncio.Task[str]] = {}

    def known(self, tenant_id: UUID) -> str | None:
        """Return the pin if it was read lately; costs no await."""
        found = self._known.get(tenant_id)
        if found is None or self._monotonic() - found[1] >= CACHE_S:
            return None
        return found[0]

    async def pinned(self, tenant_id: UUID) -> str:
        """Return the version of a tenant; its first request pins it to the newest."""
        known = self.known(tenant_id)
        if known is not None:
            return known
        reading = self._reading.get(tenant_id)
        if reading is None:  # many requests may find it stale at once: one reads for all
            reading = asyncio.create_task(self._read(tenant_id))
            self._reading[tenant_id] = reading
            reading.add_done_callback(lambda _: self._reading.pop(tenant_id, None))
        return await asyncio.shield(reading)

    async def move(self, tenant_id: UUID, version: str) -> None:
        """Pin a tenant to another version, newer or older."""
        async with system_tx(self._database) as connection:
            await connection.execute(_SQL["set_pin"], tenant_id, version)
        self._remember(tenant_id, version)

    async def _read(self, tenant_id: UUID) -> str:
        async with tenant_tx(self._database, tenant_id) as connection:
            version: str | None = await connection.fetchval(_SQL["get_pin"], tenant_id)
        if version is None:
            async with system_tx(self._database) as connection:
                await connection.execute(_SQL["pin"], tenant_id, CURRENT)
                version = await connection.fetchval(_SQL["get_pin"], tenant_id) or CURRENT
        self._remember(tenant_id, version)
        return version

    def _remember(self, tenant_id: UUID, version: str) -> None:
        if len(self._known) >= CACHED_TENANTS:
            self._known.pop(next(iter(self._known)))
        self._known[tenant_id] = (version, self._monotonic())


def asked_version(text: str) -> str:
    """Return the version that a header names.

    Raises:
        ApiVersionUnknownError: there is no such version.
    """
    if not is_known(text):
        raise ApiVersionUnknownError(
            errors=(
                FieldError(
                    pointer="header:Api-Version",
                    code="unknown-value",
                    detail="GET /v1/api_version lists the versions",
                ),
            )
        )
    return text
