"""Taking conversations in for scoring, and reading results."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from services.api.context import ProcessContext
from services.api.idempotency import Claim, claim_or_find
from services.api.paging import PageRequest
from services.api.principal import Principal
from services.api.scorings.repository import (
    Assessment,
    ConversationSource,
    NewScoring,
    RubricPin,
    Scoring,
    ScoringRepository,
    Status,
)
from shared.contracts.jobs import JobKind, JobMessage, StartScoring
from shared.contracts.scoring import TranscriptTurn
from shared.db.outbox import add_job, check_backlog
from shared.db.pool import Connection
from shared.db.sealed import SealKey, TenantKey
from shared.db.tx import tenant_tx
from shared.errors import FieldError, NotFoundError


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation as it was handed in."""

    turns: Sequence[TranscriptTurn]
    source: ConversationSource
    external_id: str | None


class ScoringService:
    """Accepts conversations and reads what became of them."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def accept(
        self,
        principal: Principal,
        claim: Claim | None,
        *,
        conversation: Conversation,
        learner_id: UUID,
        occurred_at: datetime | None,
        rubric: str,
    ) -> tuple[Scoring, bool]:
        """Store a conversation and queue its scoring; say as well whether this is a repeat.

        Raises:
            NotFoundError: no such learner or rubric for this caller; both are named.
            BacklogFullError: too much of this tenant's work is waiting.
        """
        context = self._context
        now = context.clock.now()
        scoring_id = context.ids.new()
        message: JobMessage | None = None
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            repository = ScoringRepository(connection, principal.bounds(now), tenant)
            earlier = await claim_or_find(connection, principal.tenant_id, claim, scoring_id, now)
            if earlier is None:
                key, pin = await _ingredients(repository, learner_id, rubric)
                new = self._new(scoring_id, conversation, learner_id, pin, key, tenant, occurred_at)
                await repository.insert(new)
                message = await self._queue(connection, principal.tenant_id, scoring_id, now)
            else:
                scoring_id = earlier.resource_id
            scoring = await repository.get(scoring_id)
        if message is not None:
            await context.publisher.job(message)
        return scoring, earlier is not None

    async def get(self, principal: Principal, scoring_id: UUID) -> Scoring:
        """Return a scoring; raises `NotFoundError`."""
        bounds = principal.bounds(self._context.clock.now())
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            tenant = await self._context.keys.tenant(connection, principal.tenant_id)
            return await ScoringRepository(connection, bounds, tenant).get(scoring_id)

    async def list(
        self,
        principal: Principal,
        page: PageRequest,
        *,
        learner_id: UUID | None,
        status: Status | None,
    ) -> list[Scoring]:
        """Return one more scoring than the page holds, in order of creation."""
        bounds = principal.bounds(self._context.clock.now())
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            tenant = await self._context.keys.tenant(connection, principal.tenant_id)
            repository = ScoringRepository(connection, bounds, tenant)
            return await repository.list_page(page, learner_id, status)

    async def get_assessment(self, principal: Principal, assessment_id: UUID) -> Assessment:
        """Return an assessment; raises `NotFoundError`."""
        bounds = principal.bounds(self._context.clock.now())
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            tenant = await self._context.keys.tenant(connection, principal.tenant_id)
            return await ScoringRepository(connection, bounds, tenant).get_assessment(assessment_id)

    def _new(
        self,
        scoring_id: UUID,
        conversation: Conversation,
        learner_id: UUID,
        rubric: RubricPin,
        key: SealKey,
        tenant: TenantKey,
        occurred_at: datetime | None,
    ) -> NewScoring:
        conversation_id = self._context.ids.new()
        row = conversation_id.bytes
        external_id = conversation.external_id
        has_external_id = external_id is not None
        now = self._context.clock.now()
        return NewScoring(
            scoring_id=scoring_id,
            conversation_id=conversation_id,
            learner_id=learner_id,
            rubric=rubric,
            source=conversation.source,
            external_id=key.seal_text(external_id or "", "conversations.external_id", row)
            if has_external_id
            else None,
            external_id_hash=tenant.lookup(external_id or "") if has_external_id else None,
            turns=key.seal(msgspec.json.encode(conversation.turns), "conversations.turns", row),
            turn_count=len(conversation.turns),
            occurred_at=occurred_at or now,
            at=now,
        )

    async def _queue(
        self, connection: Connection, tenant_id: UUID, scoring_id: UUID, now: datetime
    ) -> JobMessage:
        context = self._context
        for kind in (JobKind.FLOW, JobKind.SCORE):
            await check_backlog(connection, tenant_id, kind, context.settings.tenant_backlog)
        return await add_job(
            connection,
            tenant_id,
            context.ids.new(),
            StartScoring(scoring_id=scoring_id),
            JobKind.FLOW,
            now=now,
            first_retry_s=context.settings.job_first_retry_s,
        )


async def _ingredients(
    repository: ScoringRepository, learner_id: UUID, rubric: str
) -> tuple[SealKey, RubricPin]:
    """Return the learner's key and the rubric version; name each that is missing."""
    key = await repository.find_learner_key(learner_id)
    pin = await repository.find_rubric(rubric)
    if key is not None and pin is not None:
        return key, pin
    errors = []
    if key is None:
        errors.append(_missing("/learner_id", "No such learner"))
    if pin is None:
        errors.append(_missing("/rubric", "No such rubric"))
    raise NotFoundError(errors=tuple(errors))


def _missing(pointer: str, detail: str) -> FieldError:
    return FieldError(pointer=pointer, code="not-found", detail=detail)
