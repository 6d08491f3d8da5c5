"""A tenant's learning record store, as it is set and as it is written to."""

import base64
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import asyncpg
import msgspec

from shared.contracts.base import Record
from shared.db.pool import Connection
from shared.db.sealed import TenantKey
from shared.xapi.reading import SQL
from shared.xapi.vocabulary import Actor, Version

URL: Final = "lrs.url"
AUTH: Final = "lrs.auth"


class Auth(Record, frozen=True, kw_only=True):
    """How we sign in at a store."""

    kind: Literal["basic", "bearer"]
    username: str = ""
    secret: str
    """Password or token."""

    def header(self) -> str:
        """Return the value of `Authorization`."""
        if self.kind == "bearer":
            return f"Bearer {self.secret}"
        pair = f"{self.username}:{self.secret}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"


class Store(Record, frozen=True, kw_only=True):
    """A store, opened."""

    url: str
    """Its xAPI endpoint, without a slash at the end; statements go to `<url>/statements`."""
    auth: Auth | None
    version: Version
    actor: Actor
    home_page: str | None
    enabled: bool


class Standing(Record, frozen=True, kw_only=True):
    """A store, and how the sending goes."""

    store: Store
    failures: int
    last_error: str | None
    last_success_at: datetime | None
    rejected: int
    next_attempt_at: datetime
    created_at: datetime
    updated_at: datetime


_AUTH = msgspec.json.Decoder(Auth)


async def find_store(connection: Connection, tenant: TenantKey) -> Standing | None:
    """Return a tenant's store."""
    row = await connection.fetchrow(SQL["get_lrs"], tenant.tenant_id)
    return None if row is None else _standing(row, tenant)


async def put_store(connection: Connection, tenant: TenantKey, store: Store, now: datetime) -> None:
    """Set a tenant's store; a first one gets what happens from now on."""
    row = tenant.tenant_id.bytes
    auth = store.auth
    await connection.execute(
        SQL["put_lrs"],
        tenant.tenant_id,
        tenant.seal_text(store.url, URL, row),
        None if auth is None else tenant.seal(msgspec.json.encode(auth), AUTH, row),
        store.version,
        store.actor,
        store.home_page,
        store.enabled,
        now,
    )
    await connection.execute(SQL["start_position"], tenant.tenant_id)


async def delete_store(connection: Connection, tenant_id: UUID) -> None:
    """Forget a tenant's store."""
    await connection.execute(SQL["delete_lrs"], tenant_id)
    await connection.execute(SQL["forget_position"], tenant_id)


def _standing(row: asyncpg.Record, tenant: TenantKey) -> Standing:
    place = tenant.tenant_id.bytes
    auth = row["auth"]
    return Standing(
        store=Store(
            url=tenant.open_text(row["url"], URL, place),
            auth=None if auth is None else _AUTH.decode(tenant.open(auth, AUTH, place)),
            version=row["version"],
            actor=row["actor"],
            home_page=row["home_page"],
            enabled=row["enabled"],
        ),
        failures=row["failures"],
        last_error=row["last_error"],
        last_success_at=row["last_success_at"],
        rejected=row["rejected"],
        next_attempt_at=row["next_attempt_at"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
