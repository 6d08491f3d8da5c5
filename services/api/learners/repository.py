"""Learners in Postgres, read for a caller."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import asyncpg
import msgspec

from services.api.metadata import Attached, open_metadata, seal_metadata
from services.api.paging import PageRequest
from services.api.principal import Bounds
from shared.contracts.base import Record
from shared.db.pool import Connection
from shared.db.sealed import TenantKey
from shared.db.sql import Queries
from shared.errors import ConflictError, NotFoundError

_SQL = Queries("services.api.learners")

_METADATA = "learners.metadata"

EXTERNAL_ID_CONSTRAINT = "learners_tenant_id_external_id_hash_key"


class Membership(Record, frozen=True, kw_only=True):
    """A time in a team."""

    team_id: UUID
    start: date
    end: date | None
    """First day outside the team; None while a member."""


class Learner(msgspec.Struct, frozen=True, kw_only=True):
    """A learner, opened."""

    learner_id: UUID
    name: str | None
    external_id: str
    memberships: tuple[Membership, ...]
    """In order of `start`; never overlapping."""
    metadata: dict[str, str]
    created_at: datetime


_MEMBERSHIPS = msgspec.json.Decoder(tuple[Membership, ...])


class LearnerRepository:
    """Queries of one transaction; each is limited to what the caller may see."""

    def __init__(self, connection: Connection, bounds: Bounds, tenant: TenantKey) -> None:
        self._connection = connection
        self._bounds = bounds
        self._tenant_id = bounds[0]
        self._tenant = tenant

    async def insert(self, learner: Learner, person_id: UUID) -> None:
        """Store a learner with a new key and memberships.

        Raises:
            ConflictError: another learner has this external id.
        """
        row = learner.learner_id.bytes
        wrapped = self._tenant.new_learner_key(learner.learner_id)
        key = self._tenant.learner_key(learner.learner_id, wrapped)
        name = learner.name
        try:
            await self._connection.execute(
                _SQL["insert_learner"],
                self._tenant_id,
                learner.learner_id,
                person_id,
                None if name is None else key.seal_text(name, "learners.name", row),
                key.seal_text(learner.external_id, "learners.external_id", row),
                self._tenant.lookup(learner.external_id),
                learner.created_at,
                wrapped,
                seal_metadata(key, learner.metadata, _METADATA, row),
            )
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name == EXTERNAL_ID_CONSTRAINT:
                raise ConflictError("Another learner has this external_id") from None
            raise
        await self._connection.executemany(
            _SQL["insert_membership"],
            [
                (self._tenant_id, learner.learner_id, each.team_id, each.start, each.end)
                for each in learner.memberships
            ],
        )

    async def replace_memberships(
        self, learner_id: UUID, before: Sequence[Membership], after: Sequence[Membership]
    ) -> None:
        """Store memberships in place of others; the caller holds the row.

        Those that stay are not touched: each change makes reports look at the person again.
        """
        gone = [each.start for each in before if each not in after]
        if gone:
            await self._connection.execute(
                _SQL["drop_memberships"], self._tenant_id, learner_id, gone
            )
        await self._connection.executemany(
            _SQL["insert_membership"],
            [
                (self._tenant_id, learner_id, each.team_id, each.start, each.end)
                for each in after
                if each not in before
            ],
        )

    async def find_teams(self, team_ids: Sequence[UUID]) -> frozenset[UUID]:
        """Return those of the teams that exist for the caller."""
        rows = await self._connection.fetch(
            _SQL["find_teams"], self._tenant_id, self._bounds[2], list(team_ids)
        )
        return frozenset(row["team_id"] for row in rows)

    async def get(self, learner_id: UUID) -> Learner:
        """Return a learner.

        Raises:
            NotFoundError: none that the caller may see.
        """
        found = await self.get_many([learner_id])
        if not found:
            raise NotFoundError
        return found[0]

    async def get_many(self, learner_ids: Sequence[UUID]) -> list[Learner]:
        """Return those of the learners that the caller may see, in no order."""
        rows = await self._connection.fetch(_SQL["get_learners"], *self._bounds, list(learner_ids))
        return [self._learner(row) for row in rows]

    async def lock(self, learner_id: UUID) -> None:
        """Wait for other writers of this learner."""
        await self._connection.execute(_SQL["lock_learner"], self._tenant_id, learner_id)

    async def set_metadata(self, learner_id: UUID, metadata: Attached) -> None:
        """Attach something; the caller holds the row.

        Raises:
            NotFoundError: the learner was erased meanwhile.
        """
        wrapped = await self._connection.fetchval(_SQL["learner_key"], self._tenant_id, learner_id)
        if wrapped is None:
            raise NotFoundError
        key = self._tenant.learner_key(learner_id, wrapped)
        sealed = seal_metadata(key, metadata, _METADATA, learner_id.bytes)
        await self._connection.execute(_SQL["set_metadata"], self._tenant_id, learner_id, sealed)

    async def list_page(self, page: PageRequest, external_id: str | None) -> list[Learner]:
        """Return `page.limit + 1` learners, if there are so many."""
        rows = await self._connection.fetch(
            _SQL["list_learners"],
            *self._bounds,
            page.after,
            None if external_id is None else self._tenant.lookup(external_id),
            page.limit + 1,
        )
        return [self._learner(row) for row in rows]

    def _learner(self, row: asyncpg.Record) -> Learner:
        learner_id: UUID = row["learner_id"]
        key = self._tenant.learner_key(learner_id, row["wrapped"])
        name = row["name"]
        return Learner(
            learner_id=learner_id,
            name=None if name is None else key.open_text(name, "learners.name", learner_id.bytes),
            external_id=key.open_text(row["external_id"], "learners.external_id", learner_id.bytes),
            memberships=_MEMBERSHIPS.decode(row["memberships"]),
            metadata=open_metadata(key, row["metadata"], _METADATA, learner_id.bytes),
            created_at=row["created_at"],
        )
