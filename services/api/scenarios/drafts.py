"""Drafts and versions in Postgres, for authors."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

import asyncpg
import msgspec

from services.api.metadata import Attached, merged, open_metadata, seal_metadata
from services.api.scenarios.repository import METADATA
from shared.contracts.scenario import ScenarioSpec
from shared.db.pool import Connection
from shared.db.sealed import TenantKey
from shared.db.sql import Queries
from shared.drafting.trial import TrialReport
from shared.errors import ConflictError, NotFoundError
from shared.ids import format_id
from shared.library.versions import content_of

Origin = Literal["library", "tenant"]
Author = Literal["author", "model"]
"""Who wrote the first revision of a draft."""

SLUG_CONSTRAINT = "scenarios_tenant_id_slug_key"
VERSION_CONSTRAINT = "scenario_versions_pkey"

_SQL = Queries("services.api.scenarios")
_SPEC = msgspec.json.Decoder(ScenarioSpec)
_TRIAL = msgspec.json.Decoder(TrialReport)


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What an author works on."""

    scenario_id: UUID
    slug: str
    revision: int
    """0 when no draft is stored and `spec` is the newest version."""
    version: int | None
    """The newest published version."""
    spec: ScenarioSpec
    metadata: dict[str, str]
    updated_at: datetime
    author: Author
    trial_revision: int | None
    """The revision that scripted learners played; None: none."""
    trial: TrialReport | None
    """What came out."""


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A published version."""

    scenario_id: UUID
    version: int
    origin: Origin
    spec: ScenarioSpec
    created_at: datetime


class DraftRepository:
    """Queries of one transaction."""

    def __init__(self, connection: Connection, tenant: TenantKey) -> None:
        self._connection = connection
        self._tenant_id = tenant.tenant_id
        self._tenant = tenant

    async def insert(
        self, scenario_id: UUID, spec: ScenarioSpec, metadata: Attached, now: datetime
    ) -> None:
        """Store a scenario with its first draft.

        Raises:
            ConflictError: another scenario has this slug; it is named.
        """
        taken = await self._connection.fetchval(_SQL["find_slug"], self._tenant_id, spec.slug)
        if taken is not None:
            raise ConflictError(f"{format_id('scn', taken)} has this slug")
        try:
            await self._connection.execute(
                _SQL["insert_scenario"],
                self._tenant_id,
                scenario_id,
                spec.slug,
                now,
                seal_metadata(self._tenant, metadata, METADATA, scenario_id.bytes),
            )
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name == SLUG_CONSTRAINT:
                raise ConflictError("Another scenario has this slug") from None
            raise
        await self.insert_draft(scenario_id, spec, now)

    async def get(self, scenario_id: UUID) -> Draft:
        """Return the draft, or the newest version at revision 0; raises `NotFoundError`."""
        row = await self._connection.fetchrow(_SQL["get_draft"], self._tenant_id, scenario_id)
        if row is None:
            raise NotFoundError
        return Draft(
            scenario_id=scenario_id,
            slug=row["slug"],
            revision=row["revision"],
            version=row["version"],
            spec=_SPEC.decode(row["spec"]),
            metadata=open_metadata(self._tenant, row["metadata"], METADATA, scenario_id.bytes),
            updated_at=row["updated_at"],
            author=row["origin"],
            trial_revision=row["trial_revision"],
            trial=None if row["trial"] is None else _TRIAL.decode(row["trial"]),
        )

    async def attach(self, scenario_id: UUID, changes: Mapping[str, str | None]) -> None:
        """Change the metadata.

        Raises:
            NotFoundError: no such scenario.
            ValidationFailedError: that would be too many keys.
        """
        row = await self._connection.fetchrow(_SQL["find_metadata"], self._tenant_id, scenario_id)
        if row is None:
            raise NotFoundError
        place = scenario_id.bytes
        after = merged(open_metadata(self._tenant, row["metadata"], METADATA, place), changes)
        sealed = seal_metadata(self._tenant, after, METADATA, place)
        await self._connection.execute(_SQL["set_metadata"], self._tenant_id, scenario_id, sealed)

    async def lock(self, scenario_id: UUID) -> None:
        """Wait for other writers of this draft; nothing to wait for where none is stored."""
        await self._connection.execute(_SQL["lock_draft"], self._tenant_id, scenario_id)

    async def insert_draft(self, scenario_id: UUID, spec: ScenarioSpec, now: datetime) -> bool:
        """Store the first revision; say whether it was the first."""
        done = await self._connection.execute(
            _SQL["insert_draft"], self._tenant_id, scenario_id, content_of(spec).text, now
        )
        return done == "INSERT 0 1"

    async def replace(
        self, scenario_id: UUID, revision: int, spec: ScenarioSpec, now: datetime
    ) -> bool:
        """Store the revision after `revision`; say whether that was the present one."""
        done = await self._connection.execute(
            _SQL["replace_draft"],
            self._tenant_id,
            scenario_id,
            revision,
            content_of(spec).text,
            now,
        )
        return done == "UPDATE 1"

    async def insert_version(
        self, scenario_id: UUID, version: int, spec: ScenarioSpec, now: datetime
    ) -> None:
        """Store a version for good.

        Raises:
            ConflictError: another version was published at the same moment.
        """
        content = content_of(spec)
        try:
            await self._connection.execute(
                _SQL["insert_version"],
                self._tenant_id,
                scenario_id,
                version,
                content.hash,
                content.text,
                now,
            )
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name == VERSION_CONSTRAINT:
                raise ConflictError("Another version was published at the same moment") from None
            raise

    async def get_version(self, scenario_id: UUID, version: int) -> Version:
        """Return a version, whole; raises `NotFoundError`."""
        row = await self._connection.fetchrow(
            _SQL["get_version"], self._tenant_id, scenario_id, version
        )
        if row is None:
            raise NotFoundError
        return _version(scenario_id, row)

    async def list_versions(self, scenario_id: UUID, after: int, limit: int) -> list[Version]:
        """Return up to `limit` versions above `after`, oldest first."""
        rows = await self._connection.fetch(
            _SQL["list_versions"], self._tenant_id, scenario_id, after, limit
        )
        return [_version(scenario_id, row) for row in rows]

    async def rubrics(self) -> frozenset[str]:
        """Return the slugs of the tenant's rubrics."""
        rows = await self._connection.fetch(_SQL["rubric_slugs"], self._tenant_id)
        return frozenset(row["slug"] for row in rows)


def _version(scenario_id: UUID, row: asyncpg.Record) -> Version:
    return Version(
        scenario_id=scenario_id,
        version=row["version"],
        origin=row["origin"],
        spec=_SPEC.decode(row["spec"]),
        created_at=row["created_at"],
    )
