"""Users in Postgres; for the API's own users and for those of an identity provider."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from services.api.paging import PageRequest
from services.api.users.records import (
    DISPLAY_NAME,
    EMAIL,
    USER_NAME,
    User,
    UserFacts,
    name_key,
)
from shared.db.pool import Connection
from shared.db.sealed import TenantKey
from shared.db.sql import Queries
from shared.errors import ConflictError, LastOwnerError, NotFoundError

_SQL = Queries("services.api.users")

NAME_CONSTRAINT: Final = "users_tenant_id_user_name_hash_key"


class UserRepository:
    """Statements of one transaction of the tenant that owns the key."""

    def __init__(self, connection: Connection, tenant: TenantKey) -> None:
        self._connection = connection
        self._tenant = tenant
        self._tenant_id = tenant.tenant_id

    async def insert(self, user_id: UUID, facts: UserFacts, now: datetime) -> None:
        """Store a user.

        Raises:
            ConflictError: another user has this name.
        """
        await self._write("insert_user", user_id, facts, now)

    async def update(self, user_id: UUID, facts: UserFacts, now: datetime) -> None:
        """Change a user that the caller holds; raises as `insert`."""
        await self._write("update_user", user_id, facts, now)

    async def get(self, user_id: UUID) -> User:
        """Return a user.

        Raises:
            NotFoundError: there is none.
        """
        row = await self._connection.fetchrow(_SQL["get_user"], self._tenant_id, user_id)
        if row is None:
            raise NotFoundError
        return self._opened(row)

    async def hold(self, user_id: UUID) -> User:
        """Return a user whom nobody else changes until the transaction ends; raises as `get`."""
        await self._connection.execute(_SQL["lock_user"], self._tenant_id, user_id)
        return await self.get(user_id)

    async def find(self, user_name: str) -> User | None:
        """Return the user of this name, whatever its case."""
        row = await self._connection.fetchrow(
            _SQL["find_user"], self._tenant_id, self._tenant.lookup(name_key(user_name))
        )
        return None if row is None else self._opened(row)

    async def list_page(
        self, page: PageRequest, *, user_name: str | None, role: str | None, active: bool | None
    ) -> list[User]:
        """Return `page.limit + 1` users, if there are so many."""
        rows = await self._connection.fetch(
            _SQL["list_users"],
            self._tenant_id,
            page.after,
            None if user_name is None else self._tenant.lookup(name_key(user_name)),
            role,
            active,
            page.limit + 1,
        )
        return [self._opened(row) for row in rows]

    async def delete(self, user_id: UUID) -> None:
        """Delete a user with the keys that are theirs."""
        await self._connection.execute(_SQL["delete_user"], self._tenant_id, user_id)

    async def keep_an_owner(self, before: User, after: UserFacts | None) -> None:
        """Check that somebody reigns after a change, or after a deletion (`after` is None).

        Raises:
            LastOwnerError: the last active owner would go.
        """
        if not before.is_reigning:
            return
        if after is not None and after.active and after.role == "owner":
            return
        await self._connection.execute(_SQL["lock_owners"], self._tenant_id)
        other = await self._connection.fetchval(
            _SQL["other_owner"], self._tenant_id, before.user_id
        )
        if other is None:
            raise LastOwnerError

    async def find_teams(self, team_ids: Sequence[UUID]) -> frozenset[UUID]:
        """Return those of the teams that exist."""
        rows = await self._connection.fetch(_SQL["find_teams"], self._tenant_id, list(team_ids))
        return frozenset(row["team_id"] for row in rows)

    async def has_learner(self, learner_id: UUID) -> bool:
        """Say whether there is this learner."""
        found = await self._connection.fetchval(_SQL["find_learner"], self._tenant_id, learner_id)
        return bool(found)

    async def _write(self, statement: str, user_id: UUID, facts: UserFacts, now: datetime) -> None:
        key, row = self._tenant, user_id.bytes

        def sealed(text: str | None, column: str) -> bytes | None:
            return None if text is None else key.seal_text(text, column, row)

        try:
            await self._connection.execute(
                _SQL[statement],
                self._tenant_id,
                user_id,
                sealed(facts.user_name, USER_NAME),
                key.lookup(name_key(facts.user_name)),
                sealed(facts.email, EMAIL),
                sealed(facts.display_name, DISPLAY_NAME),
                facts.role,
                None if facts.team_ids is None else list(facts.team_ids),
                facts.learner_id,
                facts.active,
                now,
            )
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name == NAME_CONSTRAINT:
                raise ConflictError("Another user has this user_name") from None
            raise

    def _opened(self, row: asyncpg.Record) -> User:
        key, user_id = self._tenant, row["user_id"].bytes
        plain = {name: row[name] for name in User.__struct_fields__}
        for name, column in (
            ("user_name", USER_NAME),
            ("email", EMAIL),
            ("display_name", DISPLAY_NAME),
        ):
            if row[name] is not None:
                plain[name] = key.open_text(row[name], column, user_id)
        return msgspec.convert(plain, User)
