"""Taking conversations in for scoring, and reading what became of them."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from services.api.admitting import admit
from services.api.context import ProcessContext
from services.api.environments import mark_scoring
from services.api.filters.asked import FilterQuery
from services.api.filters.named import find_filters
from services.api.idempotency import Claim, claim_or_find
from services.api.metadata import merged
from services.api.paging import PageRequest
from services.api.principal import Principal
from services.api.scorings.records import HandedIn, NewScoring, Scoring, Status
from services.api.scorings.repository import ScoringRepository
from services.api.scorings.storing import Sealer, missing
from shared.contracts.events import EventType, ScoringHeld
from shared.contracts.jobs import JobKind, JobMessage, StartScoring
from shared.db.outbox import add_event, add_job
from shared.db.pool import Connection
from shared.db.sealed import TenantKey
from shared.db.tx import tenant_reads, tenant_tx
from shared.errors import NotFoundError
from shared.intake.taking import Taken, take_in

LONG = 50_000
"""Characters from which a conversation is looked at beside the event loop: some milliseconds."""


class ScoringService:
    """Accepts conversations and reads what became of them."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def accept(
        self, principal: Principal, claim: Claim | None, handed_in: HandedIn
    ) -> tuple[Scoring, bool]:
        """Store a conversation and queue its scoring; say as well whether this is a repeat.

        One whose roles look swapped is held instead.

        Raises:
            NotFoundError: no such learner or rubric for this caller; both are named.
            BacklogFullError, ConcurrencyExceededError, TenantPausedError: see `admit`.
        """
        context = self._context
        now = context.clock.now()
        taken = await _take_in(handed_in)
        scoring_id = context.ids.new()
        message: JobMessage | None = None
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            repository = ScoringRepository(connection, principal.bounds(now), tenant)
            earlier = await claim_or_find(connection, principal.tenant_id, claim, scoring_id, now)
            if earlier is None:
                new = await self._new(repository, tenant, scoring_id, handed_in, taken)
                if taken.is_held:
                    await admit(context, connection, principal.tenant_id)
                else:
                    await check_room(context, connection, principal.tenant_id)
                await repository.insert((new,))
                await mark_scoring(connection, principal, scoring_id)
                if taken.is_held:
                    await note_held(context, connection, principal.tenant_id, new)
                else:
                    message = await queue(context, connection, principal.tenant_id, scoring_id)
            else:
                scoring_id = earlier.resource_id
            scoring = await repository.get(scoring_id)
        if message is not None:
            await context.publisher.job(message)
        elif earlier is None:
            context.publisher.wake_events()
        return scoring, earlier is not None

    async def get(self, principal: Principal, scoring_id: UUID) -> Scoring:
        """Return a scoring; raises `NotFoundError`."""
        bounds = principal.bounds(self._context.clock.now())
        reads = tenant_reads(self._context.database)
        tenant = await self._context.keys.tenant(reads, principal.tenant_id)
        return await ScoringRepository(reads, bounds, tenant).get(scoring_id)

    async def list(
        self,
        principal: Principal,
        page: PageRequest,
        query: FilterQuery,
        *,
        status: Status | None,
    ) -> list[Scoring]:
        """Return one more scoring than the page holds, in order of time.

        Raises:
            ValidationFailedError: a filter names something that the caller cannot see.
        """
        bounds = principal.bounds(self._context.clock.now())
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            tenant = await self._context.keys.tenant(connection, principal.tenant_id)
            repository = ScoringRepository(connection, bounds, tenant)
            filters = await find_filters(connection, principal, tenant, query, status=status)
            return await repository.list_page(page, filters)

    async def attach(
        self, principal: Principal, scoring_id: UUID, changes: Mapping[str, str | None]
    ) -> Scoring:
        """Change the metadata of a scoring.

        Raises:
            NotFoundError: none that the caller may see, or its learner was erased.
            ValidationFailedError: that would be too many keys.
        """
        bounds = principal.bounds(self._context.clock.now())
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            tenant = await self._context.keys.tenant(connection, principal.tenant_id)
            repository = ScoringRepository(connection, bounds, tenant)
            before, key = await repository.find_metadata(scoring_id)
            await repository.set_metadata(scoring_id, merged(before, changes), key)
            return await repository.get(scoring_id)

    async def _new(
        self,
        repository: ScoringRepository,
        tenant: TenantKey,
        scoring_id: UUID,
        handed_in: HandedIn,
        taken: Taken,
    ) -> NewScoring:
        keys = await repository.find_learner_keys([handed_in.learner_id])
        rubrics = await repository.find_rubrics([handed_in.rubric])
        key, rubric = keys.get(handed_in.learner_id), rubrics.get(handed_in.rubric)
        if key is None or rubric is None:
            raise NotFoundError(errors=missing(key, rubric))
        return Sealer(self._context, tenant).row(scoring_id, handed_in, taken, key, rubric)


async def note_held(
    context: ProcessContext, connection: Connection, tenant_id: UUID, new: NewScoring
) -> None:
    """Write the event of a scoring that waits for somebody to say who is who."""
    await add_event(
        connection,
        tenant_id,
        context.ids.new(),
        EventType.SCORING_HELD,
        new.scoring_id,
        ScoringHeld(flags=tuple(flag.code for flag in new.flags)),
        now=new.at,
    )


async def check_room(context: ProcessContext, connection: Connection, tenant_id: UUID) -> None:
    """Check that one more scoring may begin; before its row is there. Refusals as of `admit`."""
    await admit(context, connection, tenant_id, JobKind.FLOW, JobKind.SCORE, kind="scoring")


async def queue(
    context: ProcessContext, connection: Connection, tenant_id: UUID, scoring_id: UUID
) -> JobMessage:
    """Have a queued scoring scored; return the message to publish after the commit."""
    now: datetime = context.clock.now()
    return await add_job(
        connection,
        tenant_id,
        context.ids.new(),
        StartScoring(scoring_id=scoring_id),
        JobKind.FLOW,
        now=now,
        first_retry_s=context.settings.job_first_retry_s,
    )


async def _take_in(handed_in: HandedIn) -> Taken:
    if sum(len(turn.text) for turn in handed_in.turns) < LONG:
        return take_in(handed_in.turns, handed_in.language)
    return await asyncio.to_thread(take_in, handed_in.turns, handed_in.language)
