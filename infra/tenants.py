"""Tenants and keys, made from the command line or by the demo: the same code for both."""

import contextlib
import os
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
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
from shared.ids import IdMaker, Uuid7Maker, format_id
from shared.keys import SCOPES, Environment, new_key, parse_key, same_hash, warnings_past
from shared.library.findings import Finding, errors
from shared.library.lint import lint as lint_scenario
from shared.library.rubric_lint import lint as lint_rubric
from shared.library.versions import Content, content_of
from shared.new_tenants import Maker, NewTenantError, Noun, insert_version, seed_library, thing_of
from shared.ops_keys import OPS_SCOPES, make_ops_key, revoke_ops_key
from shared.trail.entries import Actor, Entry, record

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
        is_told: bool = True,
    ) -> None:
        """Work on a database.

        Args:
            database: The pools.
            master: The installation's key.
            clock: Time.
            ids: Of what is made.
            is_told: Keys that are made and revoked are in the audit trail; not so for tests that
                begin with an empty one.
        """
        self._is_told = is_told
        self.database = database
        self._master = master
        self._clock = clock or SystemClock()
        self._ids = ids or Uuid7Maker()

    async def create_tenant(self, slug: str, time_zone: str = "UTC") -> UUID:
        """Create a tenant with its key and the built-in library; return its id.

        One that an earlier call left half-made, because it died, is completed.

        Raises:
            TenantError: the slug is taken or malformed.
        """
        maker = Maker(database=self.database, master=self._master, clock=self._clock, ids=self._ids)
        try:
            return await maker.make(slug, time_zone)
        except NewTenantError as error:
            raise TenantError(str(error)) from None

    async def find_tenant(self, slug: str) -> UUID:
        """Return the tenant's id.

        Raises:
            TenantError: no such tenant.
        """
        async with system_tx(self.database) as connection:
            tenant_id: UUID | None = await connection.fetchval(
                "select tenant_id from tenants where slug = $1", slug
            )
        if tenant_id is None:
            raise TenantError(f"there is no tenant {slug}")
        return tenant_id

    async def list_tenants(self) -> tuple[UUID, ...]:
        """Return every tenant that has not left, oldest first."""
        async with system_tx(self.database) as connection:
            rows = await connection.fetch(
                "select t.tenant_id from tenants t where exists ("
                "select from tenant_keys k where k.tenant_id = t.tenant_id) order by t.tenant_id"
            )
        return tuple(row["tenant_id"] for row in rows)

    async def seed_library(self, tenant_id: UUID) -> int:
        """Give a tenant the built-in scenarios and rubrics; return how many new versions that made.

        A version is never changed: a file that differs from the newest version
        becomes the next one, unless the tenant has made the scenario or rubric its own.
        """
        async with tenant_tx(self.database, tenant_id) as connection:
            return await seed_library(connection, tenant_id, self._clock, self._ids)

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
            async with tenant_tx(self.database, tenant_id) as connection:
                yield connection
        except asyncpg.UniqueViolationError:
            raise TenantError("somebody else published it just now; try again") from None

    async def _publish_own(
        self,
        connection: Connection,
        tenant_id: UUID,
        noun: Noun,
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
        async with tenant_tx(self.database, tenant_id) as connection:
            rows = await connection.fetch(SQL["list_scenarios"], tenant_id)
        return tuple(Holding(**row) for row in rows)

    async def list_rubrics(self, tenant_id: UUID) -> tuple[Holding, ...]:
        """Return the tenant's rubrics by slug, unpublished and archived ones included."""
        async with tenant_tx(self.database, tenant_id) as connection:
            rows = await connection.fetch(SQL["list_rubrics"], tenant_id)
        return tuple(Holding(**row) for row in rows)

    async def _thing(
        self, connection: Connection, tenant_id: UUID, noun: Noun, spec: ScenarioSpec | RubricSpec
    ) -> asyncpg.Record:
        """Return the thing with its newest version, made where it is missing."""
        return await thing_of(connection, tenant_id, noun, spec, self._ids.new(), self._clock.now())

    async def _insert_version(
        self,
        connection: Connection,
        tenant_id: UUID,
        query: str,
        newest: asyncpg.Record,
        content: Content,
    ) -> int:
        return await insert_version(
            connection, tenant_id, SQL[query], newest, content, self._clock.now()
        )

    async def create_key(
        self,
        tenant_id: UUID,
        environment: Environment,
        scopes: Sequence[str] = SCOPES,
        expires_in: timedelta | None = None,
        networks: Sequence[str] | None = None,
    ) -> str:
        """Create a key; return its text, which is stored nowhere and shown once.

        Args:
            tenant_id: Whose.
            environment: `live`, or `test` for a key that never spends money.
            scopes: What it may do.
            expires_in: How long it is good; None: for ever.
            networks: From where it is good, in CIDR notation; None: from everywhere.

        Raises:
            TenantError: an unknown scope, or what is no network.
        """
        unknown = sorted(set(scopes) - set(SCOPES))
        if unknown:
            raise TenantError(f"unknown scope: {', '.join(unknown)} (known: {', '.join(SCOPES)})")
        key = new_key(environment, self._ids, os.urandom)
        now = self._clock.now()
        expires_at = None if expires_in is None else now + expires_in
        async with tenant_tx(self.database, tenant_id) as connection:
            await connection.execute(
                SQL["insert_api_key"],
                tenant_id,
                key.key_id,
                key.hash,
                environment,
                list(scopes),
                expires_at,
                now,
                _networks(networks),
                warnings_past(expires_at, now),
            )
            await self._tell(connection, tenant_id, "key.created", key.key_id, now)
        return key.text

    async def revoke_key(self, key_id: UUID) -> None:
        """Revoke a key; API processes forget it within 5 seconds.

        Raises:
            TenantError: no such key, or it was revoked before.
        """
        async with system_tx(self.database) as connection:
            tenant_id = await connection.fetchval(
                "select tenant_id from api_keys where key_id = $1", key_id
            )
            if tenant_id is None:
                if await revoke_ops_key(connection, key_id, self._clock.now()):
                    return
                raise TenantError("there is no such key, or it was revoked already")
        async with tenant_tx(self.database, tenant_id) as connection:
            now = self._clock.now()
            done = await connection.execute(SQL["revoke_api_key"], tenant_id, key_id, now)
            if done == "UPDATE 0":
                raise TenantError("the key was revoked already")
            await self._tell(connection, tenant_id, "key.revoked", key_id, now)

    async def _tell(
        self, connection: Connection, tenant_id: UUID, action: str, key_id: UUID, now: datetime
    ) -> None:
        """Write into the tenant's trail that an operator did it, whose name nobody knows."""
        if self._is_told:
            entry = Entry(
                tenant_id=tenant_id,
                actor=Actor(kind="operator"),
                action=action,
                target=format_id("key", key_id),
                request_id="",
                at=now,
            )
            await record(connection, entry)

    async def knows_key(self, text: str) -> bool:
        """Say whether a tenant's key is stored here and was not revoked."""
        key = parse_key(text)
        async with system_tx(self.database) as connection:
            stored = await connection.fetchval(
                "select hash from api_keys where key_id = $1 and revoked_at is null", key.key_id
            )
        return stored is not None and same_hash(stored, key.hash)

    async def create_ops_key(
        self,
        *,
        name: str = "",
        scopes: Sequence[str] = OPS_SCOPES,
        expires_in: timedelta | None = None,
    ) -> str:
        """Create an operator's key; return its text, which is stored nowhere and shown once.

        Raises:
            TenantError: an unknown scope.
        """
        unknown = sorted(set(scopes) - set(OPS_SCOPES))
        if unknown:
            known = ", ".join(OPS_SCOPES)
            raise TenantError(f"unknown scope: {', '.join(unknown)} (known: {known})")
        now = self._clock.now()
        async with system_tx(self.database) as connection:
            key = await make_ops_key(
                connection,
                ids=self._ids,
                random=os.urandom,
                now=now,
                name=name,
                scopes=tuple(each for each in OPS_SCOPES if each in scopes),
                expires_at=None if expires_in is None else now + expires_in,
            )
        return key.text


def _networks(texts: Sequence[str] | None) -> list[IPv4Network | IPv6Network] | None:
    try:
        return None if texts is None else [ip_network(each) for each in texts]
    except ValueError as error:
        raise TenantError(f"{error}; a network is for example 203.0.113.0/24") from None
