"""Rubrics in Postgres: the newest version of each."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import asyncpg
import msgspec

from services.api.paging import PageRequest
from shared.contracts.rubric import RubricSpec
from shared.db.pool import Connection
from shared.db.sql import Queries
from shared.errors import NotFoundError

Origin = Literal["library", "tenant"]

_SQL = Queries("services.api.rubrics")
_SPEC = msgspec.json.Decoder(RubricSpec)


class Rubric(msgspec.Struct, frozen=True, kw_only=True):
    """A rubric in its newest version."""

    rubric_id: UUID
    version: int
    origin: Origin
    spec: RubricSpec
    created_at: datetime
    archived_at: datetime | None


class RubricRepository:
    """Queries of one transaction."""

    def __init__(self, connection: Connection, tenant_id: UUID) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def get(self, rubric_id: UUID) -> Rubric:
        """Return a rubric; raises `NotFoundError`."""
        row = await self._connection.fetchrow(_SQL["get_rubric"], self._tenant_id, rubric_id)
        if row is None:
            raise NotFoundError
        return _rubric(row)

    async def list_page(
        self, page: PageRequest, slug: str | None, *, archived: bool | None
    ) -> list[Rubric]:
        """Return `page.limit + 1` rubrics, if there are so many."""
        rows = await self._connection.fetch(
            _SQL["list_rubrics"], self._tenant_id, page.after, slug, page.limit + 1, archived
        )
        return [_rubric(row) for row in rows]


def _rubric(row: asyncpg.Record) -> Rubric:
    return Rubric(
        rubric_id=row["rubric_id"],
        version=row["version"],
        origin=row["origin"],
        spec=_SPEC.decode(row["spec"]),
        created_at=row["created_at"],
        archived_at=row["archived_at"],
    )
