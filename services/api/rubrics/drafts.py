"""Drafts and versions in Postgres, for authors."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

import asyncpg
import msgspec

from services.api.metadata import Attached, merged, open_metadata, seal_metadata
from services.api.rubrics.repository import METADATA, Origin
from shared.contracts.rubric import RubricSpec
from shared.db.pool import Connection
from shared.db.sealed import TenantKey
from shared.db.sql import Queries
from shared.errors import ConflictError, NotFoundError
from shared.ids import format_id
from shared.library.versions import content_of

Status = Literal["draft", "published", "archived"]

SLUG_CONSTRAINT = "rubrics_tenant_id_slug_key"
VERSION_CONSTRAINT = "rubric_versions_pkey"

_SQL = Queries("services.api.rubrics")
_SPEC = msgspec.json.Decoder(RubricSpec)


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What an author works on."""

    rubric_id: UUID
    slug: str
    archived_at: datetime | None
    revision: int
    """0 when no draft is stored and `spec` is the newest version."""
    version: int | None
    """The newest published version."""
    spec: RubricSpec
    metadata: dict[str, str]
    updated_at: datetime

    @property
    def status(self) -> Status:
        """Where the rubric is in its life."""
        if self.archived_at is not None:
            return "archived"
        return "draft" if self.version is None else "published"


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A published version."""

    rubric_id: UUID
    version: int
    origin: Origin
    spec: RubricSpec
    created_at: datetime


class DraftRepository:
    """Queries of one transaction."""

    def __init__(self, connection: Connection, tenant: TenantKey) -> None:
        self._connection = connection
        self._tenant_id = tenant.tenant_id
        self._tenant = tenant

    async def insert(
        self, rubric_id: UUID, spec: RubricSpec, metadata: Attached, now: datetime
    ) -> None:
        """Store a rubric with its first draft.

        Raises:
            ConflictError: another rubric has this slug; it is named.
        """
        taken = await self._connection.fetchval(_SQL["find_slug"], self._tenant_id, spec.slug)
        if taken is not None:
            raise ConflictError(f"{format_id('rub', taken)} has this slug")
        try:
            await self._connection.execute(
                _SQL["insert_rubric"],
                self._tenant_id,
                rubric_id,
                spec.slug,
                now,
                seal_metadata(self._tenant, metadata, METADATA, rubric_id.bytes),
            )
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name == SLUG_CONSTRAINT:
                raise ConflictError("Another rubric has this slug") from None
            raise
        await self.insert_draft(rubric_id, spec, now)

    async def get(self, rubric_id: UUID) -> Draft:
        """Return the draft, or the newest version at revision 0; raises `NotFoundError`."""
        row = await self._connection.fetchrow(_SQL["get_draft"], self._tenant_id, rubric_id)
        if row is None:
            raise NotFoundError
        return Draft(
            rubric_id=rubric_id,
            slug=row["slug"],
            archived_at=row["archived_at"],
            revision=row["revision"],
            version=row["version"],
            spec=_SPEC.decode(row["spec"]),
            metadata=open_metadata(self._tenant, row["metadata"], METADATA, rubric_id.bytes),
            updated_at=row["updated_at"],
        )

    async def attach(self, rubric_id: UUID, changes: Mapping[str, str | None]) -> None:
        """Change the metadata.

        Raises:
            NotFoundError: no such rubric.
            ValidationFailedError: that would be too many keys.
        """
        row = await self._connection.fetchrow(_SQL["find_metadata"], self._tenant_id, rubric_id)
        if row is None:
            raise NotFoundError
        place = rubric_id.bytes
        after = merged(open_metadata(self._tenant, row["metadata"], METADATA, place), changes)
        sealed = seal_metadata(self._tenant, after, METADATA, place)
        await self._connection.execute(_SQL["set_metadata"], self._tenant_id, rubric_id, sealed)

    async def lock(self, rubric_id: UUID) -> None:
        """Wait for other writers of this rubric."""
        await self._connection.execute(_SQL["lock_rubric"], self._tenant_id, rubric_id)

    async def insert_draft(self, rubric_id: UUID, spec: RubricSpec, now: datetime) -> bool:
        """Store the first revision; say whether it was the first."""
        done = await self._connection.execute(
            _SQL["insert_draft"], self._tenant_id, rubric_id, content_of(spec).text, now
        )
        return done == "INSERT 0 1"

    async def replace(
        self, rubric_id: UUID, revision: int, spec: RubricSpec, now: datetime
    ) -> bool:
        """Store the revision after `revision`; say whether that was the present one."""
        done = await self._connection.execute(
            _SQL["replace_draft"], self._tenant_id, rubric_id, revision, content_of(spec).text, now
        )
        return done == "UPDATE 1"

    async def insert_version(
        self, rubric_id: UUID, version: int, spec: RubricSpec, now: datetime
    ) -> None:
        """Store a version for good.

        Raises:
            ConflictError: the command line published another one at the same moment.
        """
        content = content_of(spec)
        try:
            await self._connection.execute(
                _SQL["insert_version"],
                self._tenant_id,
                rubric_id,
                version,
                content.hash,
                content.text,
                now,
            )
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name == VERSION_CONSTRAINT:
                raise ConflictError("Another version was published at the same moment") from None
            raise

    async def get_version(self, rubric_id: UUID, version: int) -> Version:
        """Return a version, whole; raises `NotFoundError`."""
        row = await self._connection.fetchrow(
            _SQL["get_version"], self._tenant_id, rubric_id, version
        )
        if row is None:
            raise NotFoundError
        return _version(rubric_id, row)

    async def list_versions(self, rubric_id: UUID, after: int, limit: int) -> list[Version]:
        """Return up to `limit` versions above `after`, oldest first."""
        rows = await self._connection.fetch(
            _SQL["list_versions"], self._tenant_id, rubric_id, after, limit
        )
        return [_version(rubric_id, row) for row in rows]

    async def archive(self, rubric_id: UUID, now: datetime) -> None:
        """Take a rubric out of use; nothing changes where it is out of use already."""
        await self._connection.execute(_SQL["archive"], self._tenant_id, rubric_id, now)

    async def restore(self, rubric_id: UUID) -> None:
        """Bring a rubric back into use."""
        await self._connection.execute(_SQL["restore"], self._tenant_id, rubric_id)

    async def scenarios_with(self, rubric_id: UUID) -> list[str]:
        """Return the slugs of the scenarios that are scored by a rubric, sorted."""
        rows = await self._connection.fetch(_SQL["scenarios_with"], self._tenant_id, rubric_id)
        return [row["slug"] for row in rows]

    async def own_skills(self, *, hold: bool = False) -> frozenset[str]:
        """Return the keys that the tenant added; with `hold`, they stay until the commit."""
        if hold:
            await self._connection.execute(_SQL["hold_taxonomy"], self._tenant_id)
        rows = await self._connection.fetch(_SQL["own_skills"], self._tenant_id)
        return frozenset(row["key"] for row in rows)


def _version(rubric_id: UUID, row: asyncpg.Record) -> Version:
    return Version(
        rubric_id=rubric_id,
        version=row["version"],
        origin=row["origin"],
        spec=_SPEC.decode(row["spec"]),
        created_at=row["created_at"],
    )
