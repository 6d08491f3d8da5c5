"""Teams in Postgres, read for a caller."""

from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from services.api.metadata import Attached, open_metadata, seal_metadata
from services.api.paging import PageRequest
from services.api.principal import Bounds
from shared.db.pool import Connection
from shared.db.sealed import TenantKey
from shared.db.sql import Queries
from shared.errors import ConflictError, NotFoundError

_SQL = Queries("services.api.teams")

_METADATA = "teams.metadata"

EXTERNAL_ID_CONSTRAINT = "teams_tenant_id_external_id_hash_key"


class Team(msgspec.Struct, frozen=True, kw_only=True):
    """A team, opened."""

    team_id: UUID
    name: str
    external_id: str | None
    metadata: dict[str, str]
    created_at: datetime


class TeamRepository:
    """Queries of one transaction; each is limited to what the caller may see."""

    def __init__(self, connection: Connection, bounds: Bounds, tenant: TenantKey) -> None:
        self._connection = connection
        self._tenant_id, self._learner_id, self._team_ids, _ = bounds
        self._tenant = tenant

    async def insert(self, team: Team) -> None:
        """Store a team.

        Raises:
            ConflictError: another team has this external id.
        """
        row, key, external_id = team.team_id.bytes, self._tenant, team.external_id
        try:
            await self._connection.execute(
                _SQL["insert_team"],
                self._tenant_id,
                team.team_id,
                key.seal_text(team.name, "teams.name", row),
                None
                if external_id is None
                else key.seal_text(external_id, "teams.external_id", row),
                None if external_id is None else key.lookup(external_id),
                team.created_at,
                seal_metadata(key, team.metadata, _METADATA, row),
            )
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name == EXTERNAL_ID_CONSTRAINT:
                raise ConflictError("Another team has this external_id") from None
            raise

    async def get(self, team_id: UUID) -> Team:
        """Return a team.

        Raises:
            NotFoundError: none that the caller may see.
        """
        row = await self._connection.fetchrow(
            _SQL["get_team"], self._tenant_id, self._learner_id, self._team_ids, team_id
        )
        if row is None:
            raise NotFoundError
        return self._team(row)

    async def lock(self, team_id: UUID) -> None:
        """Wait for other writers of this team."""
        await self._connection.execute(_SQL["lock_team"], self._tenant_id, team_id)

    async def set_metadata(self, team_id: UUID, metadata: Attached) -> None:
        """Attach something; the caller holds the row."""
        sealed = seal_metadata(self._tenant, metadata, _METADATA, team_id.bytes)
        await self._connection.execute(_SQL["set_metadata"], self._tenant_id, team_id, sealed)

    async def list_page(self, page: PageRequest, external_id: str | None) -> list[Team]:
        """Return `page.limit + 1` teams, if there are so many."""
        rows = await self._connection.fetch(
            _SQL["list_teams"],
            self._tenant_id,
            self._learner_id,
            self._team_ids,
            page.after,
            None if external_id is None else self._tenant.lookup(external_id),
            page.limit + 1,
        )
        return [self._team(row) for row in rows]

    def _team(self, row: asyncpg.Record) -> Team:
        team_id: UUID = row["team_id"]
        sealed, key = row["external_id"], self._tenant
        return Team(
            team_id=team_id,
            name=key.open_text(row["name"], "teams.name", team_id.bytes),
            external_id=None
            if sealed is None
            else key.open_text(sealed, "teams.external_id", team_id.bytes),
            metadata=open_metadata(key, row["metadata"], _METADATA, team_id.bytes),
            created_at=row["created_at"],
        )
