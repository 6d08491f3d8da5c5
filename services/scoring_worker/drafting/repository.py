"""Drafted rubrics in Postgres."""

from datetime import datetime
from uuid import UUID

import msgspec

from shared.contracts.rubric import RubricSpec
from shared.db.pool import Connection
from shared.db.sql import Queries
from shared.library.versions import content_of

_SQL = Queries("services.scoring_worker.drafting")


class DraftRepository:
    """Statements of one tenant transaction."""

    def __init__(self, connection: Connection, tenant_id: UUID) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def own_skills(self) -> frozenset[str]:
        """Return the keys that the tenant has added to the taxonomy."""
        rows = await self._connection.fetch(_SQL["own_skills"], self._tenant_id)
        return frozenset(row["key"] for row in rows)

    async def insert(self, rubric_id: UUID, spec: RubricSpec, now: datetime) -> None:
        """Store a rubric with its first draft, under a slug that is free."""
        slug = await self._take_slug(rubric_id, spec.slug, now)
        spec = msgspec.structs.replace(spec, slug=slug)
        await self._connection.execute(
            _SQL["insert_draft"], self._tenant_id, rubric_id, content_of(spec).text, now
        )

    async def _take_slug(self, rubric_id: UUID, wanted: str, now: datetime) -> str:
        """Store the rubric; two drafts that end at once may want the same slug."""
        while True:
            slug: str = await self._connection.fetchval(_SQL["free_slug"], self._tenant_id, wanted)
            done = await self._connection.execute(
                _SQL["insert_rubric"], self._tenant_id, rubric_id, slug, now
            )
            if done == "INSERT 0 1":
                return slug
