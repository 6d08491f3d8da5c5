"""Conversations and scorings in Postgres, read for a caller."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import msgspec

from services.api.assessments.records import RubricPin
from services.api.filters.asked import Filters
from services.api.filters.page import Pages, in_order
from services.api.metadata import Attached, open_metadata, seal_metadata
from services.api.paging import PageRequest
from services.api.principal import Bounds
from services.api.scorings.records import Contact, Heard, NewScoring, Roles, Scoring
from services.api.scorings.storing import METADATA
from shared.db.pool import Connection
from shared.db.sealed import SealKey, TenantKey
from shared.db.sql import Queries
from shared.errors import NotFoundError
from shared.intake.taking import Flag

SQL = Queries("services.api.scorings")
PAGES = Pages(SQL)
"""Of scorings; assessments that count are in the same order."""

_CONTACT = msgspec.json.Decoder(Contact)
_FLAGS = msgspec.json.Decoder(tuple[Flag, ...])


class ScoringRepository:
    """Queries of one transaction; each is limited to what the caller may see."""

    def __init__(self, connection: Connection, bounds: Bounds, tenant: TenantKey) -> None:
        self._connection = connection
        self._bounds = bounds
        self._tenant_id = bounds[0]
        self._tenant = tenant

    async def find_learner_keys(self, learner_ids: Sequence[UUID]) -> dict[UUID, SealKey]:
        """Return the keys of those learners that the caller may see."""
        rows = await self._connection.fetch(SQL["find_learners"], *self._bounds, learner_ids)
        return {
            row["learner_id"]: self._tenant.learner_key(row["learner_id"], row["wrapped"])
            for row in rows
        }

    async def find_rubrics(self, slugs: Sequence[str]) -> dict[str, RubricPin]:
        """Return the newest version of each rubric that there is."""
        rows = await self._connection.fetch(SQL["find_rubrics"], self._tenant_id, slugs)
        return {
            row["slug"]: RubricPin(
                rubric_id=row["rubric_id"], slug=row["slug"], version=row["version"]
            )
            for row in rows
        }

    async def insert(self, new: Sequence[NewScoring]) -> None:
        """Store conversations and the requests to score them."""
        places = [
            (one.place.operation_id, one.place.item) if one.place else (None, None) for one in new
        ]
        await self._connection.execute(
            SQL["insert_scorings"],
            self._tenant_id,
            [one.conversation_id for one in new],
            [one.learner_id for one in new],
            [one.source for one in new],
            [one.external_id for one in new],
            [one.external_id_hash for one in new],
            [one.turns for one in new],
            [one.turn_count for one in new],
            [one.language for one in new],
            [msgspec.json.encode(one.flags).decode() for one in new],
            [one.occurred_at for one in new],
            [one.at for one in new],
            [one.scoring_id for one in new],
            [one.rubric.rubric_id for one in new],
            [one.rubric.version for one in new],
            [one.status for one in new],
            [one.workflow_id for one in new],
            [operation_id for operation_id, _ in places],
            [item for _, item in places],
            [one.metadata for one in new],
        )
        await self.put_contacts(
            [(one.conversation_id, one.contact) for one in new if one.contact is not None]
        )

    async def put_contacts(self, contacts: Sequence[tuple[UUID, Contact]]) -> None:
        """Note how conversations went, in place of what was said before."""
        if not contacts:
            return
        await self._connection.executemany(
            SQL["put_contact"],
            [
                (self._tenant_id, conversation_id, *msgspec.structs.astuple(contact))
                for conversation_id, contact in contacts
            ],
        )

    async def get(self, scoring_id: UUID) -> Scoring:
        """Return a scoring.

        Raises:
            NotFoundError: none that the caller may see.
        """
        found = await self.get_many([scoring_id])
        if not found:
            raise NotFoundError
        return found[0]

    async def get_many(self, scoring_ids: Sequence[UUID]) -> list[Scoring]:
        """Return those of the scorings that the caller may see, in no order."""
        rows = await self._connection.fetch(SQL["get_scorings"], *self._bounds, list(scoring_ids))
        return [self._scoring(row) for row in rows]

    async def lock(self, scoring_id: UUID) -> Scoring:
        """Return a scoring that nobody else changes before the transaction ends.

        Raises:
            NotFoundError: none that the caller may see.
        """
        await self._connection.execute(SQL["lock_scoring"], self._tenant_id, scoring_id)
        return await self.get(scoring_id)

    async def list_page(self, page: PageRequest, filters: Filters) -> list[Scoring]:
        """Return `page.limit + 1` scorings, if there are so many."""
        ids = await PAGES.fetch(self._connection, self._bounds, page, filters)
        found = {each.scoring_id: each for each in await self.get_many(ids)}
        return in_order(ids, found)

    async def find_metadata(self, scoring_id: UUID) -> tuple[Attached, SealKey]:
        """Return what is attached under the row lock, and the key to seal it with.

        Raises:
            NotFoundError: none that the caller may see, or its learner was erased.
        """
        row = await self._connection.fetchrow(SQL["find_metadata"], *self._bounds, scoring_id)
        if row is None:
            raise NotFoundError
        key = self._tenant.learner_key(row["learner_id"], row["wrapped"])
        return open_metadata(key, row["metadata"], METADATA, scoring_id.bytes), key

    async def set_metadata(self, scoring_id: UUID, metadata: Attached, key: SealKey) -> None:
        """Attach something; the caller holds the lock."""
        sealed = seal_metadata(key, metadata, METADATA, scoring_id.bytes)
        await self._connection.execute(SQL["set_metadata"], self._tenant_id, scoring_id, sealed)

    async def settle_roles(self, conversation_id: UUID, roles: Roles) -> None:
        """Note who is who in a conversation; its turns stay as they were sent."""
        await self._connection.execute(SQL["settle_roles"], self._tenant_id, conversation_id, roles)

    async def release(self, scoring_id: UUID) -> None:
        """Let a held scoring be scored."""
        await self._connection.execute(SQL["release_scoring"], self._tenant_id, scoring_id)

    def _scoring(self, row: asyncpg.Record) -> Scoring:
        return Scoring(
            scoring_id=row["scoring_id"],
            learner_id=row["learner_id"],
            heard=None if row["conversation_id"] is None else self._heard(row),
            simulation_id=row["simulation_id"],
            operation_id=row["operation_id"],
            rubric=RubricPin(
                rubric_id=row["rubric_id"], slug=row["slug"], version=row["rubric_version"]
            ),
            source=row["source"],
            status=row["status"],
            failure_code=row["failure_code"],
            assessment_id=row["assessment_id"],
            occurred_at=row["occurred_at"],
            created_at=row["created_at"],
            finished_at=row["finished_at"],
            metadata=self._metadata(row),
        )

    def _metadata(self, row: asyncpg.Record) -> Attached:
        if row["metadata"] is None or row["wrapped"] is None:
            return {}
        key = self._tenant.learner_key(row["learner_id"], row["wrapped"])
        return open_metadata(key, row["metadata"], METADATA, row["scoring_id"].bytes)

    def _heard(self, row: asyncpg.Record) -> Heard:
        return Heard(
            conversation_id=row["conversation_id"],
            external_id=self._external_id(row),
            turn_count=row["turn_count"],
            language=row["language"],
            roles=row["roles"],
            flags=_FLAGS.decode(row["flags"]),
            contact=None if row["contact"] is None else _CONTACT.decode(row["contact"]),
        )

    def _external_id(self, row: asyncpg.Record) -> str | None:
        if row["external_id"] is None or row["wrapped"] is None:
            return None
        key = self._tenant.learner_key(row["learner_id"], row["wrapped"])
        return key.open_text(
            row["external_id"], "conversations.external_id", row["conversation_id"].bytes
        )
