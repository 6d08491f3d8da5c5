"""Disputes: raised within a window, decided by somebody else."""

from datetime import datetime, timedelta
from uuid import UUID

from services.api.assessments.dispute_repository import DisputeRepository
from services.api.assessments.records import Actor, Assessment, Dispute, DisputeStatus, Held
from services.api.assessments.refusals import DisputeClosedError, SameActorError
from services.api.assessments.repository import NewEntry
from services.api.assessments.service import AssessmentService, Overriding, Review
from services.api.context import ProcessContext
from services.api.idempotency import Claim, claim_or_find
from services.api.paging import PageRequest
from services.api.principal import Principal
from shared.contracts.base import Record
from shared.contracts.events import EventType, ScoringReviewed
from shared.errors import FieldError, ValidationFailedError
from shared.scorecard.overriding import Change


class Objection(Record, frozen=True, kw_only=True):
    """Why somebody disputes an assessment."""

    reason_code: str
    comment: str
    criteria: tuple[str, ...]
    """Keys of the criteria it is about; empty: the whole."""


class Resolution(Record, frozen=True, kw_only=True):
    """How a dispute is answered."""

    changes: tuple[Change, ...]
    """Empty: upheld."""
    comment: str


class DisputeService:
    """Takes disputes and their resolutions."""

    def __init__(self, context: ProcessContext, assessments: AssessmentService) -> None:
        self._context = context
        self._assessments = assessments

    async def get(self, principal: Principal, dispute_id: UUID) -> Dispute:
        """Return a dispute; raises `NotFoundError`."""
        async with self._assessments.reviewing(principal) as review:
            return await self._disputes(review, principal).get(dispute_id)

    async def list(
        self,
        principal: Principal,
        page: PageRequest,
        *,
        status: DisputeStatus | None,
        due_before: datetime | None,
    ) -> list[Dispute]:
        """Return one more dispute than the page holds, in order of opening."""
        async with self._assessments.reviewing(principal) as review:
            return await self._disputes(review, principal).list_page(page, status, due_before)

    async def raise_dispute(
        self,
        principal: Principal,
        claim: Claim,
        assessment_id: UUID,
        objection: Objection,
        actor: str | None,
    ) -> tuple[Dispute, bool]:
        """Open a dispute of the revision that counts; say as well whether this is a repeat.

        Raises:
            NotFoundError: no such assessment for this caller.
            DisputeClosedError: too late, another one is open, or a later revision counts.
            ValidationFailedError: a criterion is not in the rubric.
        """
        async with self._assessments.reviewing(principal) as review:
            disputes = self._disputes(review, principal)
            found = await review.repository.get(assessment_id)
            held = await review.repository.hold(found.scoring_id)
            dispute_id = review.new_id()
            earlier = await claim_or_find(
                review.connection, principal.tenant_id, claim, dispute_id, review.now
            )
            if earlier is not None:
                return await disputes.get(earlier.resource_id), True
            await _check_open(disputes, held, found, review.now)
            _check_criteria(found, objection.criteria)
            who = review.actor(actor)
            dispute = _new_dispute(dispute_id, held, objection, who, review.now)
            await disputes.insert(dispute, held.key)
            await review.repository.add_entry(
                held,
                NewEntry(
                    kind="disputed",
                    assessment_id=assessment_id,
                    actor=who,
                    dispute_id=dispute_id,
                    codes=(objection.reason_code, *objection.criteria),
                    comment=objection.comment,
                ),
                review.now,
            )
            await review.event(
                EventType.SCORING_DISPUTED,
                held,
                ScoringReviewed(assessment_id=assessment_id, dispute_id=dispute_id),
            )
        self._context.publisher.wake_events()
        return dispute, False

    async def resolve(
        self,
        principal: Principal,
        claim: Claim,
        dispute_id: UUID,
        resolution: Resolution,
        actor: str | None,
    ) -> tuple[Dispute, bool]:
        """Answer a dispute; say as well whether this is a repeat.

        Raises:
            NotFoundError: no such dispute for this caller.
            DisputeClosedError: it was answered before.
            SameActorError: whoever made the revision or disputed it may not decide.
            ValidationFailedError: a change does not fit the rubric; all are named.
        """
        async with self._assessments.reviewing(principal) as review:
            disputes = self._disputes(review, principal)
            dispute = await disputes.get(dispute_id)
            held = await review.repository.hold(dispute.scoring_id)
            earlier = await claim_or_find(
                review.connection, principal.tenant_id, claim, dispute_id, review.now
            )
            if earlier is None:
                await self._answer(review, disputes, held, dispute, resolution, review.actor(actor))
            answered = await disputes.get(dispute_id)
        self._context.publisher.wake_events()
        return answered, earlier is not None

    async def _answer(
        self,
        review: Review,
        disputes: DisputeRepository,
        held: Held,
        dispute: Dispute,
        resolution: Resolution,
        actor: Actor,
    ) -> None:
        hand = await review.repository.last_hand(held.scoring_id, held.latest_id)
        disputer = Actor(key_id=dispute.key_id, name=None, hash=dispute.actor_hash)
        for other, did in ((disputer, "disputed"), (hand, "scored")):
            if other is not None and is_same(actor, other):
                raise SameActorError(
                    f"Whoever {did} it may not decide: name another `actor`, or use another key"
                )
        result_id = held.latest_id
        outcome: DisputeStatus = "changed" if resolution.changes else "upheld"
        if resolution.changes:
            result_id = review.new_id()
            latest = await review.repository.get(held.latest_id)
            wanted = Overriding(
                changes=resolution.changes,
                reason_code="dispute",
                expected_revision=latest.revision,
            )
            await review.changed(held, latest, wanted, "resolution", result_id)
        if not await disputes.resolve(dispute.dispute_id, outcome, result_id, review.now):
            raise DisputeClosedError("This dispute was answered before")
        await review.repository.add_entry(
            held,
            NewEntry(
                kind="resolved",
                assessment_id=result_id,
                actor=actor,
                dispute_id=dispute.dispute_id,
                codes=(outcome, *(each.key for each in resolution.changes)),
                comment=resolution.comment,
            ),
            review.now,
        )
        await review.event(
            EventType.SCORING_DISPUTE_RESOLVED,
            held,
            ScoringReviewed(
                assessment_id=result_id, dispute_id=dispute.dispute_id, outcome=outcome
            ),
        )

    def _disputes(self, review: Review, principal: Principal) -> DisputeRepository:
        return DisputeRepository(review.connection, principal.bounds(review.now), review.tenant)


def is_same(one: Actor, other: Actor) -> bool:
    """Say whether two hands may be the same person: one key, and no two different names."""
    if one.hash is not None and other.hash is not None:
        return one.hash == other.hash
    return one.key_id == other.key_id


async def _check_open(
    disputes: DisputeRepository, held: Held, found: Assessment, now: datetime
) -> None:
    if found.assessment_id != held.latest_id:
        raise DisputeClosedError("A later revision counts: read it and dispute that")
    deadline = found.created_at + timedelta(hours=held.dispute_window_h)
    if now > deadline:
        raise DisputeClosedError(f"The window for disputes ended at {deadline.isoformat()}")
    if await disputes.find_open(held.scoring_id) is not None:
        raise DisputeClosedError("A dispute of this conversation is open already")


def _check_criteria(found: Assessment, criteria: tuple[str, ...]) -> None:
    known = {each.key for each in found.result.criteria}
    wrong = tuple(
        FieldError(pointer=f"/criteria/{number}", code="unknown-value", detail="Not in the rubric")
        for number, key in enumerate(criteria)
        if key not in known
    )
    if wrong:
        raise ValidationFailedError(errors=wrong)


def _new_dispute(
    dispute_id: UUID, held: Held, objection: Objection, actor: Actor, now: datetime
) -> Dispute:
    return Dispute(
        dispute_id=dispute_id,
        scoring_id=held.scoring_id,
        learner_id=held.learner_id,
        assessment_id=held.latest_id,
        status="open",
        reason_code=objection.reason_code,
        criteria=objection.criteria,
        comment=objection.comment,
        key_id=actor.key_id,
        actor_hash=actor.hash,
        opened_at=now,
        due_at=now + timedelta(hours=held.dispute_answer_h),
        resolved_at=None,
        result_id=None,
    )
