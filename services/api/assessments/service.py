"""What people do with assessments; every change is a new revision, an entry and an event."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from services.api.admitting import admit
from services.api.assessments.records import (
    Actor,
    Assessment,
    Cause,
    Entry,
    Held,
    RevisionItem,
    RubricPin,
)
from services.api.assessments.refusals import RevisionOutdatedError
from services.api.assessments.repository import AssessmentRepository, NewEntry
from services.api.context import ProcessContext
from services.api.environments import mark_scoring
from services.api.idempotency import Claim, claim_or_find
from services.api.principal import Principal
from services.api.trail.recording import note
from shared.contracts.base import Record
from shared.contracts.events import EventType, ScoringReviewed, ScoringRevised
from shared.contracts.jobs import JobKind, RescoreJob
from shared.contracts.scoring import JudgeResult
from shared.db.outbox import add_event, add_job
from shared.db.pool import Connection
from shared.db.sealed import TenantKey
from shared.db.tx import tenant_tx
from shared.errors import FieldError, NotFoundError, ValidationFailedError
from shared.ids import format_id
from shared.retention import check_has_words
from shared.scorecard.overriding import Change, OverrideError, override


class Overriding(Record, frozen=True, kw_only=True):
    """What a person wants changed, and of what."""

    changes: tuple[Change, ...]
    reason_code: str
    expected_revision: int


class Rescored(Record, frozen=True, kw_only=True):
    """A second judgment that was asked for."""

    scoring_id: UUID
    assessment_id: UUID
    """What the revision will be called."""
    rubric: RubricPin
    replaces_override: bool
    """Whether the revision that counts now was made by a person."""


class Review:
    """One transaction on one scoring, locked: what reads and writes of a review share."""

    def __init__(
        self,
        connection: Connection,
        repository: AssessmentRepository,
        principal: Principal,
        tenant: TenantKey,
        context: ProcessContext,
    ) -> None:
        self.connection = connection
        self.repository = repository
        self.tenant = tenant
        self.now = context.clock.now()
        self._principal = principal
        self._context = context

    def new_id(self) -> UUID:
        """Return an id for something new."""
        return self._context.ids.new()

    def actor(self, name: str | None) -> Actor:
        """Return who acts; the name is the caller's word."""
        return Actor(
            key_id=self._principal.key_id,
            name=name,
            hash=None if name is None else self.tenant.lookup(f"actor\0{name}"),
        )

    async def changed(
        self, held: Held, before: Assessment, wanted: Overriding, cause: Cause, new_id: UUID
    ) -> JudgeResult:
        """Store a revision with the changes in place and say so to the world.

        Raises:
            ValidationFailedError: a change does not fit the rubric; all are named.
        """
        rubric = await self.repository.rubric(before.rubric)
        try:
            result = override(before.result, rubric, wanted.changes, wanted.reason_code)
        except OverrideError as error:
            raise ValidationFailedError(errors=error.errors) from None
        await self.repository.add_revision(held, before, new_id, result, cause, self.now)
        await note(
            self.connection,
            self._principal,
            self.now,
            "score.overridden",
            format_id("asm", new_id),
            before=before.result,
            after=result,
            facts={
                "replaces": format_id("asm", before.assessment_id),
                "revision": before.revision + 1,
                "cause": cause,
                "changes": len(wanted.changes),
            },
        )
        await self.event(
            EventType.SCORING_REVISED,
            held,
            ScoringRevised(assessment_id=new_id, revision=before.revision + 1, cause=cause),
        )
        return result

    async def event(
        self, event_type: EventType, held: Held, data: ScoringRevised | ScoringReviewed
    ) -> None:
        """Write an event of the scoring; its lock orders them."""
        await add_event(
            self.connection,
            self._principal.tenant_id,
            self._context.ids.new(),
            event_type,
            held.scoring_id,
            data,
            now=self.now,
        )


class AssessmentService:
    """Reads assessments, and takes overrides, acknowledgments and orders for a second judgment."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    @asynccontextmanager
    async def reviewing(self, principal: Principal) -> AsyncIterator[Review]:
        """Open the transaction of a review."""
        context = self._context
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            bounds = principal.bounds(context.clock.now())
            repository = AssessmentRepository(connection, bounds, tenant)
            yield Review(connection, repository, principal, tenant, context)

    async def get(self, principal: Principal, assessment_id: UUID) -> Assessment:
        """Return a revision; raises `NotFoundError`."""
        async with self.reviewing(principal) as review:
            return await review.repository.get(assessment_id)

    async def list_revisions(self, principal: Principal, scoring_id: UUID) -> list[RevisionItem]:
        """Return the revisions of a scored conversation, oldest first; raises `NotFoundError`."""
        async with self.reviewing(principal) as review:
            await review.repository.see(scoring_id)
            return await review.repository.list_revisions(scoring_id)

    async def list_timeline(self, principal: Principal, scoring_id: UUID) -> list[Entry]:
        """Return what happened to a scored conversation, oldest first; raises `NotFoundError`."""
        async with self.reviewing(principal) as review:
            seen = await review.repository.see(scoring_id)
            return await review.repository.list_timeline(seen)

    async def override(
        self,
        principal: Principal,
        claim: Claim,
        assessment_id: UUID,
        wanted: Overriding,
        actor: str | None,
    ) -> tuple[Assessment, bool]:
        """Make a revision with a person's scores; say as well whether this is a repeat.

        Raises:
            NotFoundError: no such assessment for this caller.
            RevisionOutdatedError: it is not the revision that counts.
            ValidationFailedError: a change does not fit the rubric; all are named.
        """
        async with self.reviewing(principal) as review:
            repository = review.repository
            named = await repository.get(assessment_id)
            held = await repository.hold(named.scoring_id)
            new_id = review.new_id()
            earlier = await claim_or_find(
                review.connection, principal.tenant_id, claim, new_id, review.now
            )
            if earlier is not None:  # before the next check: the repeat finds its own revision
                return await repository.get(earlier.resource_id), True
            before = await repository.get(held.latest_id)
            _check_is_latest(before, assessment_id, wanted.expected_revision)
            await review.changed(held, before, wanted, "override", new_id)
            await repository.add_entry(
                held,
                NewEntry(
                    kind="overridden",
                    assessment_id=new_id,
                    actor=review.actor(actor),
                    codes=(wanted.reason_code, *(each.key for each in wanted.changes)),
                ),
                review.now,
            )
            made = await repository.get(new_id)
        self._context.publisher.wake_events()
        return made, False

    async def acknowledge(
        self, principal: Principal, assessment_id: UUID, actor: str | None
    ) -> bool:
        """Note that somebody has read a revision; say whether it was noted before.

        Raises:
            NotFoundError: no such assessment for this caller.
        """
        async with self.reviewing(principal) as review:
            found = await review.repository.get(assessment_id)
            held = await review.repository.hold(found.scoring_id)
            if await review.repository.has_entry(held, "acknowledged", assessment_id):
                return True
            entry = NewEntry(
                kind="acknowledged", assessment_id=assessment_id, actor=review.actor(actor)
            )
            await review.repository.add_entry(held, entry, review.now)
            await review.event(
                EventType.SCORING_ACKNOWLEDGED, held, ScoringReviewed(assessment_id=assessment_id)
            )
        self._context.publisher.wake_events()
        return False

    async def rescore(
        self,
        principal: Principal,
        claim: Claim,
        scoring_id: UUID,
        rubric: tuple[str | None, int | None],
        actor: str | None,
    ) -> tuple[Rescored, bool]:
        """Queue a second judgment; say as well whether this is a repeat.

        Args:
            principal: who asks.
            claim: the idempotency key.
            scoring_id: what to judge again.
            rubric: slug and version; None is the one that was used first, or the newest.
            actor: whom the caller acts for.

        Raises:
            NotFoundError: no such scoring that is scored, or no such rubric version.
            BacklogFullError, TenantPausedError: see `admit`.
        """
        context = self._context
        message = None
        async with self.reviewing(principal) as review:
            held = await review.repository.hold(scoring_id)
            latest = await review.repository.get(held.latest_id)
            pin = await _wanted_rubric(review.repository, latest, rubric)
            new_id = review.new_id()
            earlier = await claim_or_find(
                review.connection, principal.tenant_id, claim, new_id, review.now
            )
            if earlier is None:
                await check_has_words(review.connection, principal.tenant_id, scoring_id=scoring_id)
                await mark_scoring(review.connection, principal, scoring_id)
                await admit(context, review.connection, principal.tenant_id, JobKind.SCORE)
                message = await add_job(
                    review.connection,
                    principal.tenant_id,
                    context.ids.new(),
                    RescoreJob(
                        scoring_id=scoring_id,
                        assessment_id=new_id,
                        rubric_id=pin.rubric_id,
                        rubric_version=pin.version,
                    ),
                    JobKind.SCORE,
                    now=review.now,
                    first_retry_s=context.settings.job_first_retry_s,
                )
                await review.repository.add_entry(
                    held,
                    NewEntry(
                        kind="rescore_requested",
                        assessment_id=new_id,
                        actor=review.actor(actor),
                        codes=(pin.slug, str(pin.version)),
                    ),
                    review.now,
                )
        if message is not None:
            await context.publisher.job(message)
        rescored = Rescored(
            scoring_id=scoring_id,
            assessment_id=new_id if earlier is None else earlier.resource_id,
            rubric=pin,
            replaces_override=latest.origin == "human",
        )
        return rescored, earlier is not None


def _check_is_latest(latest: Assessment, assessment_id: UUID, expected_revision: int) -> None:
    """Refuse to change what the caller has not read."""
    if latest.assessment_id != assessment_id or latest.revision != expected_revision:
        detail = f"Revision {latest.revision} counts: read it and review that"
        wrong = FieldError(pointer="/expected_revision", code="conflict", detail=detail)
        raise RevisionOutdatedError(detail, errors=(wrong,))


async def _wanted_rubric(
    repository: AssessmentRepository, latest: Assessment, wanted: tuple[str | None, int | None]
) -> RubricPin:
    slug, version = wanted
    used = latest.rubric
    pin = await repository.find_rubric(slug or used.slug, version, used.rubric_id)
    if pin is None:
        pointer = "/rubric" if version is None else "/version"
        wrong = FieldError(pointer=pointer, code="not-found", detail="No such rubric version")
        raise NotFoundError(errors=(wrong,))
    return pin
