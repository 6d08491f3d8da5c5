"""API keys in Postgres, read for a caller."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from services.api.api_keys.records import ApiKey, NewKeyWish
from services.api.paging import PageRequest
from services.api.principal import Principal
from shared.db.pool import Connection
from shared.db.sealed import TenantKey
from shared.db.sql import Queries
from shared.errors import NotFoundError
from shared.keys import NewKey, warnings_past

_SQL = Queries("services.api.api_keys")

NAME: Final = "api_keys.name"
"""Column under which names are sealed; the row is the key's id."""

_PLAIN = tuple(
    name for name in ApiKey.__struct_fields__ if name not in {"name", "sealed_name", "networks"}
)


class KeyRepository:
    """Statements of one transaction; each is limited to what the caller may see."""

    def __init__(self, connection: Connection, principal: Principal, tenant: TenantKey) -> None:
        self._connection = connection
        self._tenant_id, self._tenant = principal.tenant_id, tenant
        teams = principal.team_ids
        self._seen = (
            principal.tenant_id,
            principal.learner_id,
            None if teams is None else list(teams),
            principal.environment == "test",
        )

    async def insert(self, made: NewKey, wish: NewKeyWish, now: datetime) -> None:
        """Store a key."""
        await self._connection.execute(
            _SQL["insert_key"],
            self._tenant_id,
            made.key_id,
            made.hash,
            wish.environment,
            list(wish.scopes),
            None if wish.team_ids is None else list(wish.team_ids),
            wish.learner_id,
            wish.user_id,
            wish.networks,
            wish.expires_at,
            self._tenant.seal_text(wish.name, NAME, made.key_id.bytes),
            now,
            warnings_past(wish.expires_at, now),
        )

    async def get(self, key_id: UUID) -> ApiKey:
        """Return a key.

        Raises:
            NotFoundError: none that the caller may see.
        """
        row = await self._connection.fetchrow(_SQL["get_key"], *self._seen, key_id)
        if row is None:
            raise NotFoundError
        return self._opened(row)

    async def hold(self, key_id: UUID) -> ApiKey:
        """Return a key that nobody else changes until the transaction ends; raises as `get`."""
        await self._connection.execute(_SQL["lock_key"], self._tenant_id, key_id)
        return await self.get(key_id)

    async def list_page(
        self, page: PageRequest, *, user_id: UUID | None, is_good: bool, now: datetime
    ) -> list[ApiKey]:
        """Return `page.limit + 1` keys, if there are so many; of a user, or those still good."""
        rows = await self._connection.fetch(
            _SQL["list_keys"], *self._seen, page.after, user_id, is_good, now, page.limit + 1
        )
        return [self._opened(row) for row in rows]

    async def count(self, now: datetime) -> int:
        """Return how many keys of the tenant have not ended."""
        count: int = await self._connection.fetchval(_SQL["count_keys"], self._tenant_id, now)
        return count

    async def update(self, key: ApiKey, now: datetime) -> None:
        """Write what can be changed: name, networks and end."""
        sealed = (
            None if key.name is None else self._tenant.seal_text(key.name, NAME, key.key_id.bytes)
        )
        await self._connection.execute(
            _SQL["update_key"],
            self._tenant_id,
            key.key_id,
            sealed,
            key.networks,
            key.expires_at,
            warnings_past(key.expires_at, now),
        )

    async def roll(self, made: NewKey, until: datetime, now: datetime) -> None:
        """Give a key another secret; the one before is good until then."""
        await self._connection.execute(
            _SQL["roll_key"], self._tenant_id, made.key_id, made.hash, until, now
        )

    async def revoke(self, key_id: UUID, now: datetime) -> None:
        """End a key, unless it was revoked before."""
        await self._connection.execute(_SQL["revoke_key"], self._tenant_id, key_id, now)

    async def own_rights(self, key_id: UUID) -> asyncpg.Record | None:
        """Return networks and end of the key that is asking; None: it is no key."""
        return await self._connection.fetchrow(_SQL["own_rights"], self._tenant_id, key_id)

    async def find_teams(self, team_ids: Sequence[UUID]) -> frozenset[UUID]:
        """Return those of the teams that exist."""
        rows = await self._connection.fetch(_SQL["find_teams"], self._tenant_id, list(team_ids))
        return frozenset(row["team_id"] for row in rows)

    async def has_learner(self, learner_id: UUID) -> bool:
        """Say whether there is this learner."""
        found = await self._connection.fetchval(_SQL["find_learner"], self._tenant_id, learner_id)
        return bool(found)

    async def find_user(self, user_id: UUID) -> asyncpg.Record | None:
        """Return the role of a user; None: there is no such user."""
        return await self._connection.fetchrow(_SQL["find_user"], self._tenant_id, user_id)

    def _opened(self, row: asyncpg.Record) -> ApiKey:
        plain = {name: row[name] for name in _PLAIN}
        sealed, networks = row["name"], row["networks"]
        if sealed is not None:
            plain["name"] = self._tenant.open_text(sealed, NAME, row["key_id"].bytes)
        return ApiKey(
            **{"name": None, **plain},
            networks=None if networks is None else tuple(networks),
            sealed_name=sealed,
        )
