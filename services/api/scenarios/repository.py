"""Scenarios in Postgres: the newest version of each."""

from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from services.api.paging import PageRequest
from shared.contracts.scenario import ScenarioSpec
from shared.db.pool import Connection
from shared.db.sql import Queries
from shared.errors import NotFoundError

_SQL = Queries("services.api.scenarios")
_SPEC = msgspec.json.Decoder(ScenarioSpec)


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario in its newest version."""

    scenario_id: UUID
    version: int
    spec: ScenarioSpec
    created_at: datetime


class ScenarioRepository:
    """Queries of one transaction."""

    def __init__(self, connection: Connection, tenant_id: UUID) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def get(self, scenario_id: UUID) -> Scenario:
        """Return a scenario; raises `NotFoundError`."""
        row = await self._connection.fetchrow(_SQL["get_scenario"], self._tenant_id, scenario_id)
        if row is None:
            raise NotFoundError
        return _scenario(row)

    async def list_page(self, page: PageRequest, slug: str | None) -> list[Scenario]:
        """Return `page.limit + 1` scenarios, if there are so many."""
        rows = await self._connection.fetch(
            _SQL["list_scenarios"], self._tenant_id, page.after, slug, page.limit + 1
        )
        return [_scenario(row) for row in rows]


def _scenario(row: asyncpg.Record) -> Scenario:
    return Scenario(
        scenario_id=row["scenario_id"],
        version=row["version"],
        spec=_SPEC.decode(row["spec"]),
        created_at=row["created_at"],
    )
