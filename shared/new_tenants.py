"""How a tenant comes to be: its row, its key, and the built-in library; and how libraries grow."""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import asyncpg
import msgspec

from shared.clock import Clock
from shared.contracts.rubric import RubricSpec
from shared.contracts.scenario import ScenarioSpec
from shared.db.pool import Connection, Database
from shared.db.sealed import MasterKey
from shared.db.sql import Queries
from shared.db.tx import system_tx, tenant_tx
from shared.ids import IdMaker
from shared.library import load_scenarios
from shared.library.rubrics import load_rubrics
from shared.library.versions import Content, content_of

SQL: Final = Queries("shared", "new_tenants.sql")

Noun = Literal["scenario", "rubric"]


class NewTenantError(Exception):
    """The tenant cannot be made; the message says why in one line."""


class SlugTakenError(NewTenantError):
    """Another tenant has the slug."""


class TenantGoneError(NewTenantError):
    """The tenant with the id that was chosen has left: there is no way back."""


class NoTimeZoneError(NewTenantError):
    """The server knows no such time zone."""


class SlugMalformedError(NewTenantError):
    """It has other characters than lower-case letters, digits and single dashes, or too many."""


class Maker(msgspec.Struct, frozen=True, kw_only=True):
    """What tenants are made with."""

    database: Database
    master: MasterKey
    clock: Clock
    ids: IdMaker

    async def make(
        self, slug: str, time_zone: str = "UTC", *, tenant_id: UUID | None = None
    ) -> UUID:
        """Create a tenant with its key and the built-in library; return its id.

        One that an earlier call left half-made, because it died, is completed.

        Args:
            slug: Unique in the installation.
            time_zone: IANA name.
            tenant_id: Chosen before; one that exists already with this slug is no error.

        Raises:
            SlugTakenError, NoTimeZoneError, SlugMalformedError, TenantGoneError: nothing was made.
        """
        now = self.clock.now()
        made_id = await self._row(slug, time_zone, tenant_id or self.ids.new(), now)
        async with tenant_tx(self.database, made_id) as connection:
            # The key and the library commit together: a tenant with a key is whole.
            wrapped = self.master.new_tenant_key(made_id)
            status = await connection.execute(SQL["insert_tenant_key"], made_id, wrapped, now)
            if status == "INSERT 0 0":
                if made_id == tenant_id:
                    return made_id
                raise SlugTakenError(f"a tenant {slug} exists already")
            await seed_library(connection, made_id, self.clock, self.ids)
        return made_id

    async def _row(self, slug: str, time_zone: str, tenant_id: UUID, now: datetime) -> UUID:
        """Insert the tenant; return its id, or that of the tenant that has the slug."""
        try:
            async with system_tx(self.database) as connection:
                await connection.execute(SQL["insert_tenant"], tenant_id, slug, time_zone, now)
        except asyncpg.UniqueViolationError:
            async with system_tx(self.database) as connection:
                found: UUID | None = await connection.fetchval(
                    "select tenant_id from tenants where slug = $1", slug
                )
            if found is None:  # what was taken is the id, by a tenant that has given its slug back
                raise TenantGoneError(
                    f"the tenant {slug} that this made has left; make another"
                ) from None
            return found
        except asyncpg.InvalidParameterValueError:
            raise NoTimeZoneError(
                f"{time_zone} is no time zone, for example Europe/Vienna"
            ) from None
        except asyncpg.CheckViolationError:
            raise SlugMalformedError(
                "a slug has lower-case letters, digits and single dashes"
            ) from None
        return tenant_id


async def seed_library(connection: Connection, tenant_id: UUID, clock: Clock, ids: IdMaker) -> int:
    """Give a tenant the built-in scenarios and rubrics; return how many new versions that made.

    A version is never changed: a file that differs from the newest version becomes the next one,
    unless the tenant has made the scenario or rubric its own.
    """
    made = 0
    for rubric in load_rubrics():
        made += await _publish(connection, tenant_id, "rubric", rubric, clock, ids)
    for scenario in load_scenarios():
        made += await _publish(connection, tenant_id, "scenario", scenario, clock, ids)
    return made


async def _publish(
    connection: Connection,
    tenant_id: UUID,
    noun: Noun,
    spec: ScenarioSpec | RubricSpec,
    clock: Clock,
    ids: IdMaker,
) -> int:
    row = await thing_of(connection, tenant_id, noun, spec, ids.new(), clock.now())
    content = content_of(spec)
    if row["content_hash"] == content.hash or row["is_own"]:
        return 0
    await insert_version(
        connection, tenant_id, SQL[f"insert_{noun}_version"], row, content, clock.now()
    )
    return 1


async def thing_of(
    connection: Connection,
    tenant_id: UUID,
    noun: Noun,
    spec: ScenarioSpec | RubricSpec,
    new_id: UUID,
    now: datetime,
) -> asyncpg.Record:
    """Return the row of a scenario or rubric with its newest version, made where it is missing."""
    await connection.execute(SQL[f"insert_{noun}"], tenant_id, new_id, spec.slug, now)
    row = await connection.fetchrow(SQL[f"newest_{noun}"], tenant_id, spec.slug)
    assert row is not None  # noqa: S101  (inserted one line above)
    return row


async def insert_version(
    connection: Connection,
    tenant_id: UUID,
    statement: str,
    newest: asyncpg.Record,
    content: Content,
    now: datetime,
) -> int:
    """Add a version after the newest; return its number."""
    version = int(newest["version"] or 0) + 1
    await connection.execute(
        statement, tenant_id, newest["id"], version, content.hash, content.text, now
    )
    return version
