"""Rubrics in Postgres: the newest version of each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import asyncpg
import msgspec

from services.api.metadata import open_metadata
from services.api.paging import PageRequest
from shared.contracts.rubric import RubricSpec
from shared.db.pool import Connection
from shared.db.sealed import TenantKey
from shared.db.sql import Queries
from shared.errors import NotFoundError

Origin = Literal["library", "tenant"]

_SQL = Queries("services.api.rubrics")

METADATA = "rubrics.metadata"

_SPEC = msgspec.json.Decoder(RubricSpec)


class Rubric(msgspec.Struct, frozen=True, kw_only=True):
    """A rubric in its newest version."""

    rubric_id: UUID
    version: int
    origin: Origin
    spec: RubricSpec
    metadata: dict[str, str]
    created_at: datetime
    archived_at: datetime | None


class RubricRepository:
    """Queries of one transaction."""

    def __init__(self, connection: Connection, tenant: TenantKey) -> None:
        self._connection = connection
        self._tenant_id = tenant.tenant_id
        self._tenant = tenant

    async def get(self, rubric_id: UUID) -> Rubric:
        """Return a rubric; raises `NotFoundError`."""
        found = await self.get_many([rubric_id])
        if not found:
            raise NotFoundError
        return found[0]

    async def get_many(self, rubric_ids: Sequence[UUID]) -> list[Rubric]:
        """Return those of the rubrics that have a version, in no order."""
        rows = await self._connection.fetch(_SQL["get_rubrics"], self._tenant_id, list(rubric_ids))
        return [self._rubric(row) for row in rows]

    async def list_page(
        self, page: PageRequest, slug: str | None, *, archived: bool | None
    ) -> list[Rubric]:
        """Return `page.limit + 1` rubrics, if there are so many."""
        rows = await self._connection.fetch(
            _SQL["list_rubrics"], self._tenant_id, page.after, slug, page.limit + 1, archived
        )
        return [self._rubric(row) for row in rows]

    def _rubric(self, row: asyncpg.Record) -> Rubric:
        return Rubric(
            rubric_id=row["rubric_id"],
            version=row["version"],
            origin=row["origin"],
            spec=_SPEC.decode(row["spec"]),
            metadata=open_metadata(self._tenant, row["metadata"], METADATA, row["rubric_id"].bytes),
            created_at=row["created_at"],
            archived_at=row["archived_at"],
        )
