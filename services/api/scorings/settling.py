"""Somebody says who is who: a held scoring goes on, a scored one is judged again."""

from uuid import UUID

from services.api.admitting import admit
from services.api.assessments.records import Actor
from services.api.assessments.repository import AssessmentRepository, NewEntry
from services.api.context import ProcessContext
from services.api.environments import mark_scoring
from services.api.idempotency import Claim, claim_or_find
from services.api.principal import Principal
from services.api.scorings.records import Heard, Roles, Scoring
from services.api.scorings.repository import ScoringRepository
from services.api.scorings.service import check_room, queue
from shared.contracts.events import EventType, ScoringRolesSettled
from shared.contracts.jobs import JobKind, JobMessage, RescoreJob
from shared.db.outbox import add_event, add_job
from shared.db.pool import Connection
from shared.db.sealed import TenantKey
from shared.db.tx import tenant_tx
from shared.errors import ConflictError


class RolesService:
    """Settles the roles of conversations that were handed in."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def settle(
        self, principal: Principal, claim: Claim | None, scoring_id: UUID, *, swap: bool
    ) -> tuple[Scoring, bool]:
        """Note who is who and have the conversation scored by it; say whether that is a repeat.

        A held scoring is queued. A scored one whose roles change is judged again, as a new
        revision. One whose roles are as wanted stays as it is.

        Raises:
            NotFoundError: no such scoring for this caller.
            ConflictError: a simulation, whose roles are known; or it is being scored, or failed.
            BacklogFullError, ConcurrencyExceededError, TenantPausedError: see `admit`.
        """
        context = self._context
        now = context.clock.now()
        message: JobMessage | None = None
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            repository = ScoringRepository(connection, principal.bounds(now), tenant)
            scoring = await repository.lock(scoring_id)
            earlier = await claim_or_find(connection, principal.tenant_id, claim, scoring_id, now)
            if earlier is not None:
                return scoring, True
            heard = _settleable(scoring)
            is_held = scoring.status == "held"
            if not is_held and (heard.roles == "swapped") == swap:
                return scoring, True
            if not is_held and scoring.status != "completed":
                raise ConflictError(f"The scoring is {scoring.status}: its roles cannot change now")
            await self._note(connection, repository, principal, scoring, heard, swap=swap)
            if is_held:
                await check_room(context, connection, principal.tenant_id)
                await repository.release(scoring_id)
                message = await queue(context, connection, principal.tenant_id, scoring_id)
            else:
                message = await self._judge_again(connection, principal, tenant, scoring, swap=swap)
            scoring = await repository.get(scoring_id)
        await context.publisher.job(message)
        context.publisher.wake_events()
        return scoring, False

    async def _note(
        self,
        connection: Connection,
        repository: ScoringRepository,
        principal: Principal,
        scoring: Scoring,
        heard: Heard,
        *,
        swap: bool,
    ) -> None:
        roles: Roles = "swapped" if swap else "kept"
        await repository.settle_roles(heard.conversation_id, roles)
        await mark_scoring(connection, principal, scoring.scoring_id)
        await add_event(
            connection,
            principal.tenant_id,
            self._context.ids.new(),
            EventType.SCORING_ROLES_SETTLED,
            scoring.scoring_id,
            ScoringRolesSettled(roles="swapped" if swap else "kept"),
            now=self._context.clock.now(),
        )

    async def _judge_again(
        self,
        connection: Connection,
        principal: Principal,
        tenant: TenantKey,
        scoring: Scoring,
        *,
        swap: bool,
    ) -> JobMessage:
        context = self._context
        now = context.clock.now()
        await admit(context, connection, principal.tenant_id, JobKind.SCORE)
        reviews = AssessmentRepository(connection, principal.bounds(now), tenant)
        held = await reviews.hold(scoring.scoring_id)
        latest = await reviews.get(held.latest_id)
        new_id = context.ids.new()
        entry = NewEntry(
            kind="rescore_requested",
            assessment_id=new_id,
            actor=Actor(key_id=principal.key_id, name=None, hash=None),
            codes=(
                latest.rubric.slug,
                str(latest.rubric.version),
                "roles_swapped" if swap else "roles_kept",
            ),
        )
        await reviews.add_entry(held, entry, now)
        return await add_job(
            connection,
            principal.tenant_id,
            context.ids.new(),
            RescoreJob(
                scoring_id=scoring.scoring_id,
                assessment_id=new_id,
                rubric_id=latest.rubric.rubric_id,
                rubric_version=latest.rubric.version,
            ),
            JobKind.SCORE,
            now=now,
            first_retry_s=context.settings.job_first_retry_s,
        )


def _settleable(scoring: Scoring) -> Heard:
    if scoring.heard is None:
        raise ConflictError("This is a simulation: who is who is known")
    if scoring.status == "failed":
        raise ConflictError("The scoring has failed: hand the conversation in again")
    return scoring.heard
