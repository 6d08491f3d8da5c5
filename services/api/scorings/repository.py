"""Conversations, scorings and assessments in Postgres, read for a caller."""

from datetime import datetime
from typing import Literal, cast
from uuid import UUID

import asyncpg
import msgspec

from services.api.paging import PageRequest
from services.api.principal import Bounds
from shared.contracts.scoring import JudgeResult
from shared.db.pool import Connection
from shared.db.sealed import SealKey, TenantKey
from shared.db.sql import Queries
from shared.errors import NotFoundError

ConversationSource = Literal["call", "chat", "email"]
Source = Literal["simulation", "call", "chat", "email"]
Status = Literal["queued", "running", "completed", "failed"]

_SQL = Queries("services.api.scorings")
_RESULT = msgspec.json.Decoder(JudgeResult)


class RubricPin(msgspec.Struct, frozen=True, kw_only=True):
    """A rubric version."""

    rubric_id: UUID
    slug: str
    version: int


class Scoring(msgspec.Struct, frozen=True, kw_only=True):
    """A request to score a conversation."""

    scoring_id: UUID
    learner_id: UUID
    conversation_id: UUID | None
    external_id: str | None
    turn_count: int | None
    simulation_id: UUID | None
    rubric: RubricPin
    source: Source
    status: Status
    failure_code: str | None
    assessment_id: UUID | None
    occurred_at: datetime
    created_at: datetime
    finished_at: datetime | None


class NewScoring(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored when a conversation is handed in."""

    scoring_id: UUID
    conversation_id: UUID
    learner_id: UUID
    rubric: RubricPin
    source: ConversationSource
    external_id: bytes | None
    """Sealed."""
    external_id_hash: bytes | None
    turns: bytes
    """Sealed."""
    turn_count: int
    occurred_at: datetime
    at: datetime


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """A result, opened."""

    assessment_id: UUID
    scoring_id: UUID
    learner_id: UUID
    simulation_id: UUID | None
    conversation_id: UUID | None
    source: Source
    rubric: RubricPin
    revision: int
    result: JudgeResult
    occurred_at: datetime
    created_at: datetime


class ScoringRepository:
    """Queries of one transaction; each is limited to what the caller may see."""

    def __init__(self, connection: Connection, bounds: Bounds, tenant: TenantKey) -> None:
        self._connection = connection
        self._bounds = bounds
        self._tenant_id = bounds[0]
        self._tenant = tenant

    async def find_learner_key(self, learner_id: UUID) -> SealKey | None:
        """Return the key of a learner the caller may see."""
        wrapped = await self._connection.fetchval(_SQL["find_learner"], *self._bounds, learner_id)
        return None if wrapped is None else self._tenant.learner_key(learner_id, wrapped)

    async def find_rubric(self, slug: str) -> RubricPin | None:
        """Return the newest version of a rubric."""
        row = await self._connection.fetchrow(_SQL["find_rubric"], self._tenant_id, slug)
        if row is None:
            return None
        return RubricPin(rubric_id=row["rubric_id"], slug=slug, version=row["version"])

    async def insert(self, new: NewScoring) -> None:
        """Store a conversation and the request to score it."""
        await self._connection.execute(
            _SQL["insert_scoring"],
            self._tenant_id,
            new.conversation_id,
            new.learner_id,
            new.source,
            new.external_id,
            new.external_id_hash,
            new.turns,
            new.turn_count,
            new.occurred_at,
            new.at,
            new.scoring_id,
            new.rubric.rubric_id,
            new.rubric.version,
        )

    async def get(self, scoring_id: UUID) -> Scoring:
        """Return a scoring.

        Raises:
            NotFoundError: none that the caller may see.
        """
        row = await self._connection.fetchrow(_SQL["get_scoring"], *self._bounds, scoring_id)
        if row is None:
            raise NotFoundError
        return self._scoring(row)

    async def list_page(
        self, page: PageRequest, learner_id: UUID | None, status: Status | None
    ) -> list[Scoring]:
        """Return `page.limit + 1` scorings, if there are so many."""
        rows = await self._connection.fetch(
            _SQL["list_scorings"], *self._bounds, page.after, learner_id, status, page.limit + 1
        )
        return [self._scoring(row) for row in rows]

    async def get_assessment(self, assessment_id: UUID) -> Assessment:
        """Return a result, opened.

        Raises:
            NotFoundError: none that the caller may see, or its learner was erased.
        """
        row = await self._connection.fetchrow(_SQL["get_assessment"], *self._bounds, assessment_id)
        if row is None:
            raise NotFoundError
        key = self._tenant.learner_key(row["learner_id"], row["wrapped"])
        sealed = key.open(row["result"], "assessments.result", assessment_id.bytes)
        return Assessment(
            assessment_id=assessment_id,
            scoring_id=row["scoring_id"],
            learner_id=row["learner_id"],
            simulation_id=row["simulation_id"],
            conversation_id=row["conversation_id"],
            source=row["source"],
            rubric=_rubric(row),
            revision=row["revision"],
            result=_RESULT.decode(sealed),
            occurred_at=row["occurred_at"],
            created_at=row["created_at"],
        )

    def _scoring(self, row: asyncpg.Record) -> Scoring:
        return Scoring(
            scoring_id=row["scoring_id"],
            learner_id=row["learner_id"],
            conversation_id=row["conversation_id"],
            external_id=self._external_id(row),
            turn_count=row["turn_count"],
            simulation_id=row["simulation_id"],
            rubric=_rubric(row),
            source=row["source"],
            status=row["status"],
            failure_code=row["failure_code"],
            assessment_id=row["assessment_id"],
            occurred_at=row["occurred_at"],
            created_at=row["created_at"],
            finished_at=row["finished_at"],
        )

    def _external_id(self, row: asyncpg.Record) -> str | None:
        """Return None as well when the learner was erased: the key is gone."""
        if row["external_id"] is None or row["wrapped"] is None:
            return None
        key = self._tenant.learner_key(row["learner_id"], row["wrapped"])
        conversation_id = cast("UUID", row["conversation_id"])
        return key.open_text(row["external_id"], "conversations.external_id", conversation_id.bytes)


def _rubric(row: asyncpg.Record) -> RubricPin:
    return RubricPin(rubric_id=row["rubric_id"], slug=row["slug"], version=row["rubric_version"])
