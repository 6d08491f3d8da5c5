"""Tenants and keys, made from the command line or by the demo: the same code for both."""

import contextlib
import os
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from uuid import UUID

import asyncpg
import msgspec

from shared.clock import Clock, SystemClock
from shared.contracts.rubric import RubricSpec
from shared.contracts.scenario import ScenarioSpec
from shared.db.pool import Connection, Database
from shared.db.sealed import MasterKey
from shared.db.sql import Queries
from shared.db.tx import system_tx, tenant_tx
from shared.ids import IdMaker, Uuid7Maker
from shared.keys import SCOPES, Environment, new_key, parse_key, same_hash
from shared.library import load_scenarios
from shared.library.findings import Finding, errors
from shared.library.lint import lint as lint_scenario
from shared.library.rubric_lint import lint as lint_rubric
from shared.library.rubrics import load_rubrics
from shared.library.versions import Content, content_of

SQL = Queries("infra", "tenants.sql")


class TenantError(Exception):
    """The command cannot be done; the message says why in one line."""


class FaultsError(TenantError):
    """What was written has faults that keep it from being published."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(f"{len(errors(findings))} errors keep it from being published")
        self.findings = tuple(findings)


class ScenarioFaultsError(FaultsError):
    """The scenario has faults that keep it from being published."""


class RubricFaultsError(FaultsError):
    """The rubric has faults that keep it from being published."""


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """What publishing came to."""

    version: int
    is_new: bool
    """False when it was the newest version already."""


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant's scenario or rubric, in a list."""

    slug: str
    version: int | None
    """The newest; None when none was published."""
    origin: str | None
    """Of the newest version: `library` or `tenant`."""
    revision: int | None
    """Of the draft; None when there is none."""
    is_archived: bool = False
    """A rubric that nothing new is scored by."""


class Registry:
    """Creates tenants and keys, and publishes scenarios and rubrics."""

    def __init__(
        self,
        database: Database,
        master: MasterKey,
        *,
        clock: Clock | None = None,
        ids: IdMaker | None = None,
    ) -> None:
        self._database = database
        self._master = master
        self._clock = clock or SystemClock()
        self._ids = ids or Uuid7Maker()

    async def create_tenant(self, slug: str, time_zone: str = "UTC") -> UUID:
        """Create a tenant with its key and the built-in library; return its id.

        One that an earlier call left half-made, because it died, is completed.

        Raises:
            TenantError: the slug is taken or malformed.
        """
        tenant_id = self._ids.new()
        now = self._clock.now()
        try:
            async with system_tx(self._database) as connection:
                await connection.execute(
                    SQL["insert_tenant"],
                    tenant_id,
                    slug,
                    time_zone,
                    now,
                )
        except asyncpg.UniqueViolationError:
            tenant_id = await self.find_tenant(slug)
        except asyncpg.InvalidParameterValueError:
            raise TenantError(f"{time_zone} is no time zone, for example Europe/Vienna") from None
        except asyncpg.CheckViolationError:
            raise TenantError("a slug has lower-case letters, digits and single dashes") from None
        async with tenant_tx(self._database, tenant_id) as connection:
            # The key and the library commit together: a tenant with a key is whole.
            status = await connection.execute(
                SQL["insert_tenant_key"],
                tenant_id,
                self._master.new_tenant_key(tenant_id),
                now,
            )
            if status == "INSERT 0 0":
                raise TenantError(f"a tenant {slug} exists already")
            await self._seed(connection, tenant_id)
        return tenant_id

    async def find_tenant(self, slug: str) -> UUID:
        """Return the tenant's id.

        Raises:
            TenantError: no such tenant.
        """
        async with system_tx(self._database) as connection:
            tenant_id: UUID | None = await connection.fetchval(
                "select tenant_id from tenants where slug = $1", slug
            )
        if tenant_id is None:
            raise TenantError(f"there is no tenant {slug}")
        return tenant_id

    async def list_tenants(self) -> tuple[UUID, ...]:
        """Return every tenant, oldest first."""
        async with system_tx(self._database) as connection:
            rows = await connection.fetch("select tenant_id from tenants order by tenant_id")
        return tuple(row["tenant_id"] for row in rows)

    async def seed_library(self, tenant_id: UUID) -> int:
        """Give a tenant the built-in scenarios and rubrics; return how many new versions that made.

        A version is never changed: a file that differs from the newest version
        becomes the next one, unless the tenant has made the scenario or rubric its own.
        """
        async with tenant_tx(self._database, tenant_id) as connection:
            return await self._seed(connection, tenant_id)

    async def _seed(self, connection: Connection, tenant_id: UUID) -> int:
        made = 0
        for rubric in load_rubrics():
            made += await self._publish(connection, tenant_id, "rubric", rubric)
        for scenario in load_scenarios():
            made += await self._publish(connection, tenant_id, "scenario", scenario)
        return made

    async def _publish(
        self, connection: Connection, tenant_id: UUID, noun: str, spec: ScenarioSpec | RubricSpec
    ) -> int:
        row = await self._thing(connection, tenant_id, noun, spec)
        content = content_of(spec)
        if row["content_hash"] == content.hash or row["is_own"]:
            return 0
        await self._insert_version(connection, tenant_id, f"insert_{noun}_version", row, content)
        return 1

    async def publish_scenario(self, tenant_id: UUID, spec: ScenarioSpec) -> Published:
        """Publish a scenario as the tenant's own; drafts stay as they are.

        Raises:
            ScenarioFaultsError: the linter has found errors.
            TenantError: somebody else published it at the same moment.
        """
        async with self._publishing(tenant_id) as connection:
            rubrics = await connection.fetch(SQL["rubric_slugs"], tenant_id)
            findings = lint_scenario(spec, rubrics=[row["slug"] for row in rubrics])
            if errors(findings):
                raise ScenarioFaultsError(findings)
            row = await self._thing(connection, tenant_id, "scenario", spec)
            return await self._publish_own(connection, tenant_id, "scenario", row, spec)

    async def publish_rubric(self, tenant_id: UUID, spec: RubricSpec) -> Published:
        """Publish a rubric as the tenant's own; drafts stay as they are.

        Raises:
            RubricFaultsError: the linter has found errors.
            TenantError: it is archived, or somebody else published it at the same moment.
        """
        async with self._publishing(tenant_id) as connection:
            await connection.execute(SQL["hold_taxonomy"], tenant_id)
            own = await connection.fetch(SQL["own_skills"], tenant_id)
            findings = lint_rubric(spec, tenant_skills=[row["key"] for row in own])
            if errors(findings):
                raise RubricFaultsError(findings)
            row = await self._thing(connection, tenant_id, "rubric", spec)
            if row["archived_at"] is not None:
                raise TenantError(f"the rubric {spec.slug} is archived; restore it first")
            return await self._publish_own(connection, tenant_id, "rubric", row, spec)

    @contextlib.asynccontextmanager
    async def _publishing(self, tenant_id: UUID) -> AsyncIterator[Connection]:
        try:
            async with tenant_tx(self._database, tenant_id) as connection:
                yield connection
        except asyncpg.UniqueViolationError:
            raise TenantError("somebody else published it just now; try again") from None

    async def _publish_own(
        self,
        connection: Connection,
        tenant_id: UUID,
        noun: str,
        newest: asyncpg.Record,
        spec: ScenarioSpec | RubricSpec,
    ) -> Published:
        content = content_of(spec)
        if newest["content_hash"] == content.hash:
            return Published(version=newest["version"], is_new=False)
        version = await self._insert_version(
            connection, tenant_id, f"insert_own_{noun}_version", newest, content
        )
        return Published(version=version, is_new=True)

    async def list_scenarios(self, tenant_id: UUID) -> tuple[Holding, ...]:
        """Return the tenant's scenarios by slug, unpublished ones included."""
        async with tenant_tx(self._database, tenant_id) as connection:
            rows = await connection.fetch(SQL["list_scenarios"], tenant_id)
        return tuple(Holding(**row) for row in rows)

    async def list_rubrics(self, tenant_id: UUID) -> tuple[Holding, ...]:
        """Return the tenant's rubrics by slug, unpublished and archived ones included."""
        async with tenant_tx(self._database, tenant_id) as connection:
            rows = await connection.fetch(SQL["list_rubrics"], tenant_id)
        return tuple(Holding(**row) for row in rows)

    async def _thing(
        self, connection: Connection, tenant_id: UUID, noun: str, spec: ScenarioSpec | RubricSpec
    ) -> asyncpg.Record:
        """Return the thing with its newest version, made where it is missing."""
        now = self._clock.now()
        await connection.execute(SQL[f"insert_{noun}"], tenant_id, self._ids.new(), spec.slug, now)
        row = await connection.fetchrow(SQL[f"newest_{noun}"], tenant_id, spec.slug)
        assert row is not None  # noqa: S101  (inserted one line above)
        return row

    async def _insert_version(
        self,
        connection: Connection,
        tenant_id: UUID,
        query: str,
        newest: asyncpg.Record,
        content: Content,
    ) -> int:
        version = int(newest["version"] or 0) + 1
        await connection.execute(
            SQL[query],
            tenant_id,
            newest["id"],
            version,
            content.hash,
            content.text,
            self._clock.now(),
        )
        return version

    async def create_key(
        self,
        tenant_id: UUID,
        environment: Environment,
        scopes: Sequence[str] = SCOPES,
        expires_in: timedelta | None = None,
    ) -> str:
        """Create a key; return its text, which is stored nowhere and shown once.

        Raises:
            TenantError: an unknown scope.
        """
        unknown = sorted(set(scopes) - set(SCOPES))
        if unknown:
            raise TenantError(f"unknown scope: {', '.join(unknown)} (known: {', '.join(SCOPES)})")
        key = new_key(environment, self._ids, os.urandom)
        now = self._clock.now()
        async with tenant_tx(self._database, tenant_id) as connection:
            await connection.execute(
                SQL["insert_api_key"],
                tenant_id,
                key.key_id,
                key.hash,
                environment,
                list(scopes),
                None if expires_in is None else now + expires_in,
                now,
            )
        return key.text

    async def revoke_key(self, key_id: UUID) -> None:
        """Revoke a key; API processes forget it within 5 seconds.

        Raises:
            TenantError: no such key, or it was revoked before.
        """
        async with system_tx(self._database) as connection:
            tenant_id = await connection.fetchval(
                "select tenant_id from api_keys where key_id = $1", key_id
            )
        if tenant_id is None:
            raise TenantError("there is no such key")
        async with tenant_tx(self._database, tenant_id) as connection:
            done = await connection.execute(
                SQL["revoke_api_key"],
                tenant_id,
                key_id,
                self._clock.now(),
            )
        if done == "UPDATE 0":
            raise TenantError("the key was revoked already")

    async def knows_key(self, text: str) -> bool:
        """Say whether a tenant's key is stored here and was not revoked."""
        key = parse_key(text)
        async with system_tx(self._database) as connection:
            stored = await connection.fetchval(
                "select hash from api_keys where key_id = $1 and revoked_at is null", key.key_id
            )
        return stored is not None and same_hash(stored, key.hash)

    async def create_ops_key(self) -> str:
        """Create an operator's key; return its text."""
        key = new_key("ops", self._ids, os.urandom)
        async with system_tx(self._database) as connection:
            await connection.execute(
                SQL["insert_ops_key"],
                key.key_id,
                key.hash,
                self._clock.now(),
            )
        return key.text
