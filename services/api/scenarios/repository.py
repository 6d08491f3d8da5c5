"""Scenarios in Postgres: the newest version of each."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from services.api.metadata import open_metadata
from services.api.paging import PageRequest
from shared.contracts.scenario import ScenarioSpec
from shared.db.pool import Connection
from shared.db.sealed import TenantKey
from shared.db.sql import Queries
from shared.errors import NotFoundError

_SQL = Queries("services.api.scenarios")

METADATA = "scenarios.metadata"

_SPEC = msgspec.json.Decoder(ScenarioSpec)


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario in its newest version."""

    scenario_id: UUID
    version: int
    spec: ScenarioSpec
    metadata: dict[str, str]
    created_at: datetime


class ScenarioRepository:
    """Queries of one transaction."""

    def __init__(self, connection: Connection, tenant: TenantKey) -> None:
        self._connection = connection
        self._tenant_id = tenant.tenant_id
        self._tenant = tenant

    async def get(self, scenario_id: UUID) -> Scenario:
        """Return a scenario; raises `NotFoundError`."""
        found = await self.get_many([scenario_id])
        if not found:
            raise NotFoundError
        return found[0]

    async def get_many(self, scenario_ids: Sequence[UUID]) -> list[Scenario]:
        """Return those of the scenarios that have a version, in no order."""
        rows = await self._connection.fetch(
            _SQL["get_scenarios"], self._tenant_id, list(scenario_ids)
        )
        return [self._scenario(row) for row in rows]

    async def list_page(self, page: PageRequest, slug: str | None) -> list[Scenario]:
        """Return `page.limit + 1` scenarios, if there are so many."""
        rows = await self._connection.fetch(
            _SQL["list_scenarios"], self._tenant_id, page.after, slug, page.limit + 1
        )
        return [self._scenario(row) for row in rows]

    def _scenario(self, row: asyncpg.Record) -> Scenario:
        return Scenario(
            scenario_id=row["scenario_id"],
            version=row["version"],
            spec=_SPEC.decode(row["spec"]),
            metadata=open_metadata(
                self._tenant, row["metadata"], METADATA, row["scenario_id"].bytes
            ),
            created_at=row["created_at"],
        )
