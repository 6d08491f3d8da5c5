"""Webhook endpoints, secrets and signing pairs in Postgres."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from services.api.metadata import open_metadata, seal_metadata
from services.api.paging import PageRequest
from services.api.webhooks.records import PublicKey, WebhookEndpoint, Wish
from shared.db.pool import Connection
from shared.db.sealed import TenantKey
from shared.db.sql import Queries
from shared.errors import NotFoundError
from shared.webhooks import sealing

_SQL = Queries("services.api.webhooks")


class EndpointRepository:
    """Statements of one transaction of the tenant that owns the key."""

    def __init__(self, connection: Connection, tenant: TenantKey) -> None:
        self._connection = connection
        self._tenant = tenant
        self._tenant_id = tenant.tenant_id

    # -- endpoints

    async def count(self) -> int:
        """Return how many endpoints there are; nobody makes another one before we commit."""
        await self._connection.execute(_SQL["lock_endpoints"], self._tenant_id)
        count: int = await self._connection.fetchval(_SQL["count_endpoints"], self._tenant_id)
        return count

    async def insert(self, endpoint_id: UUID, wish: Wish, now: datetime) -> None:
        """Store an endpoint that gets the events from now on."""
        await self._connection.execute(
            _SQL["insert_endpoint"],
            self._tenant_id,
            endpoint_id,
            *self._sealed(endpoint_id, wish),
            now,
        )

    async def get(self, endpoint_id: UUID) -> WebhookEndpoint:
        """Return an endpoint.

        Raises:
            NotFoundError: there is none.
        """
        row = await self._connection.fetchrow(_SQL["get_endpoint"], self._tenant_id, endpoint_id)
        if row is None:
            raise NotFoundError
        return self._opened(row)

    async def list_page(self, page: PageRequest) -> list[WebhookEndpoint]:
        """Return `page.limit + 1` endpoints, if there are so many."""
        rows = await self._connection.fetch(
            _SQL["list_endpoints"], self._tenant_id, page.after, page.limit + 1
        )
        return [self._opened(row) for row in rows]

    async def update(self, endpoint_id: UUID, wish: Wish, now: datetime) -> None:
        """Change what the caller decides."""
        await self._connection.execute(
            _SQL["update_endpoint"],
            self._tenant_id,
            endpoint_id,
            *self._sealed(endpoint_id, wish),
            now,
        )

    async def enable(self, endpoint_id: UUID, now: datetime) -> None:
        """Enable a disabled endpoint; an enabled one stays as it is."""
        await self._connection.execute(_SQL["enable_endpoint"], self._tenant_id, endpoint_id, now)

    async def disable(self, endpoint_id: UUID, now: datetime) -> None:
        """Disable an endpoint; the senders discard what waits for it."""
        await self._connection.execute(_SQL["disable_endpoint"], self._tenant_id, endpoint_id, now)

    async def delete(self, endpoint_id: UUID) -> None:
        """Delete an endpoint with its log.

        Raises:
            NotFoundError: there is none.
        """
        gone = await self._connection.fetchval(
            _SQL["delete_endpoint"], self._tenant_id, endpoint_id
        )
        if gone is None:
            raise NotFoundError

    async def hold(self, endpoint_id: UUID) -> None:
        """Lock an endpoint against other changes.

        Raises:
            NotFoundError: there is none.
        """
        await self._lock("hold_endpoint", endpoint_id)

    async def keep(self, endpoint_id: UUID) -> WebhookEndpoint:
        """Return an endpoint that is not deleted until the transaction ends.

        Raises:
            NotFoundError: there is none.
        """
        await self._lock("keep_endpoint", endpoint_id)
        return await self.get(endpoint_id)

    async def note_recovery(self, endpoint_id: UUID, now: datetime, stopped_at: int | None) -> None:
        """Note when a range was recovered, and where it stopped if that was before its end."""
        await self._connection.execute(
            _SQL["recovered"], self._tenant_id, endpoint_id, now, stopped_at
        )

    async def find_teams(self, team_ids: Sequence[UUID]) -> frozenset[UUID]:
        """Return those of the teams that exist."""
        rows = await self._connection.fetch(_SQL["find_teams"], self._tenant_id, list(team_ids))
        return frozenset(row["team_id"] for row in rows)

    # -- secrets

    async def insert_secret(
        self, endpoint_id: UUID, secret_id: UUID, secret: bytes, now: datetime
    ) -> None:
        """Store the current secret; the one before must have an end already."""
        sealed = self._tenant.seal(secret, sealing.SECRET, secret_id.bytes)
        await self._connection.execute(
            _SQL["insert_secret"], self._tenant_id, endpoint_id, secret_id, sealed, now
        )

    async def forget_secrets(self, endpoint_id: UUID, now: datetime, *, is_all: bool) -> None:
        """Delete secrets that sign no more, or all of them."""
        await self._connection.execute(
            _SQL["forget_secrets"], self._tenant_id, endpoint_id, now, is_all
        )

    async def expire_secret(self, endpoint_id: UUID, until: datetime) -> None:
        """Let the current secret sign until then."""
        await self._connection.execute(_SQL["expire_secret"], self._tenant_id, endpoint_id, until)

    async def count_secrets(self, endpoint_id: UUID) -> int:
        """Return how many secrets an endpoint has."""
        count: int = await self._connection.fetchval(
            _SQL["count_secrets"], self._tenant_id, endpoint_id
        )
        return count

    async def secret_times(self, endpoint_id: UUID) -> tuple[datetime, datetime | None]:
        """Return when the current secret was made, and until when earlier ones sign."""
        row = await self._connection.fetchrow(_SQL["current_secret"], self._tenant_id, endpoint_id)
        if row is None or row["created_at"] is None:
            raise AssertionError("an endpoint has a current secret")
        return row["created_at"], row["previous_expires_at"]

    async def list_keys(self, now: datetime) -> list[PublicKey]:
        """Return the public keys that verify something, newest first."""
        rows = await self._connection.fetch(_SQL["list_keys"], self._tenant_id, now)
        return [msgspec.convert(dict(row), PublicKey) for row in rows]

    async def _lock(self, statement: str, endpoint_id: UUID) -> None:
        row = await self._connection.fetchrow(_SQL[statement], self._tenant_id, endpoint_id)
        if row is None:
            raise NotFoundError

    def _sealed(self, endpoint_id: UUID, wish: Wish) -> tuple[object, ...]:
        key, row = self._tenant, endpoint_id.bytes
        description, teams = wish.description, wish.team_ids
        return (
            key.seal_text(wish.url, sealing.URL, row),
            None if description is None else key.seal_text(description, sealing.DESCRIPTION, row),
            seal_metadata(key, wish.metadata, sealing.METADATA, row),
            None if wish.event_types is None else list(wish.event_types),
            None if teams is None else list(teams),
            wish.payload,
            wish.rate_per_s,
        )

    def _opened(self, row: asyncpg.Record) -> WebhookEndpoint:
        key, sealed = self._tenant, row["endpoint_id"].bytes
        plain = {name: row[name] for name in WebhookEndpoint.__struct_fields__}
        description, metadata = row["description"], row["metadata"]
        plain["url"] = key.open_text(row["url"], sealing.URL, sealed)
        if description is not None:
            plain["description"] = key.open_text(description, sealing.DESCRIPTION, sealed)
        plain["metadata"] = open_metadata(key, metadata, sealing.METADATA, sealed)
        return msgspec.convert(plain, WebhookEndpoint)
