"""HTTP face of assessments and their reviews."""

from services.api.admitting import QUEUES
from services.api.assessments.disputes import DisputeService, Objection, Resolution
from services.api.assessments.refusals import (
    DisputeClosedError,
    RevisionOutdatedError,
    SameActorError,
)
from services.api.assessments.schemas import (
    AcknowledgmentCreate,
    AcknowledgmentView,
    AssessmentView,
    DisputeCreate,
    DisputeQuery,
    DisputeView,
    EntryView,
    OverrideCreate,
    RescoreCreate,
    RescoreView,
    ResolutionCreate,
    RevisionsView,
    RevisionView,
    TimelineView,
)
from services.api.assessments.service import AssessmentService, Overriding
from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.expanding import AssessmentFull, Expander
from services.api.filters.expand import AssessmentGet
from services.api.idempotency import Claim
from services.api.paging import Page, make_page
from services.api.skills.service import SkillService
from shared.errors import (
    CursorInvalidError,
    IdempotencyKeyMissingError,
    NotFoundError,
    TranscriptRemovedError,
    ValidationFailedError,
)

READ = "scorings:read"
WRITE = "scorings:write"
REVIEW = "assessments:review"
"""Changing scores and deciding disputes."""
DISPUTE = "assessments:dispute"
"""Acknowledging and contesting."""


class AssessmentRoutes:
    """`/v1/assessments`, `/v1/disputes`, and what hangs on a scoring once it has an assessment."""

    def __init__(
        self,
        assessments: AssessmentService,
        disputes: DisputeService,
        skills: SkillService,
        expander: Expander,
    ) -> None:
        self._expander = expander
        self._assessments = assessments
        self._disputes = disputes
        self._skills = skills

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/assessments/{assessment_id:asm}",
            scope=READ,
            query=AssessmentGet,
            answers={200: AssessmentFull},
            problems=(NotFoundError,),
            audited="evidence.read",
        )
    )
    async def get_assessment(self, call: Call) -> Answer:
        """Get an assessment: scores with the quotes that prove them."""
        query: AssessmentGet = call.query
        found = await self._assessments.get(call.principal, call.ids["assessment_id"])
        hidden = await self._skills.hidden(call.principal)
        (view,) = await self._expander.expand(
            call.principal, "assessment", [AssessmentView.of(found, hidden)], query.expand
        )
        return Answer(body=view)

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/scorings/{scoring_id:scr}/revisions",
            scope=READ,
            answers={200: RevisionsView},
            problems=(NotFoundError,),
            audited="evidence.read",
        )
    )
    async def list_revisions(self, call: Call) -> Answer:
        """List every revision of a scored conversation, oldest first; none is ever changed."""
        rows = await self._assessments.list_revisions(call.principal, call.ids["scoring_id"])
        return Answer(body=RevisionsView(data=[RevisionView.of(row) for row in rows]))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/scorings/{scoring_id:scr}/timeline",
            scope=READ,
            answers={200: TimelineView},
            problems=(NotFoundError,),
            audited="evidence.read",
        )
    )
    async def get_timeline(self, call: Call) -> Answer:
        """List who did what to a scored conversation and when, oldest first."""
        rows = await self._assessments.list_timeline(call.principal, call.ids["scoring_id"])
        return Answer(body=TimelineView(data=[EntryView.of(row) for row in rows]))

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/scorings/{scoring_id:scr}/rescore",
            scope=WRITE,
            body=RescoreCreate,
            answers={202: RescoreView},
            idempotency="required",
            problems=(NotFoundError, TranscriptRemovedError, *QUEUES),
        )
    )
    async def rescore(self, call: Call) -> Answer:
        """Judge a conversation again, by another rubric version or today's engine.

        The result is a new revision; the earlier ones stay readable.
        """
        body: RescoreCreate = call.body
        rescored, replayed = await self._assessments.rescore(
            call.principal,
            _claim(call),
            call.ids["scoring_id"],
            (body.rubric, body.version),
            body.actor,
        )
        view = RescoreView.of(rescored)
        location = f"/v1/assessments/{view.assessment_id}"
        headers = {"Location": location, "Retry-After": "1"}
        return Answer(body=view, status=202, headers=headers, replayed=replayed)

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/assessments/{assessment_id:asm}/overrides",
            scope=REVIEW,
            body=OverrideCreate,
            answers={201: AssessmentView},
            idempotency="required",
            problems=(NotFoundError, RevisionOutdatedError, ValidationFailedError),
        )
    )
    async def override_assessment(self, call: Call) -> Answer:
        """Put a person's scores in place of the judge's.

        This makes a new revision, recomputed by the arithmetic of the form. Both values stay.
        """
        body: OverrideCreate = call.body
        wanted = Overriding(
            changes=tuple(each.change() for each in body.criteria),
            reason_code=body.reason_code,
            expected_revision=body.expected_revision,
        )
        made, replayed = await self._assessments.override(
            call.principal, _claim(call), call.ids["assessment_id"], wanted, body.actor
        )
        view = AssessmentView.of(made, await self._skills.hidden(call.principal))
        headers = {"Location": f"/v1/assessments/{view.id}"}
        return Answer(body=view, status=201, headers=headers, replayed=replayed)

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/assessments/{assessment_id:asm}/acknowledgment",
            scope=DISPUTE,
            body=AcknowledgmentCreate,
            answers={200: AcknowledgmentView},
            idempotency="accepted",
            problems=(NotFoundError,),
        )
    )
    async def acknowledge_assessment(self, call: Call) -> Answer:
        """Say that somebody has read an assessment; once is enough."""
        body: AcknowledgmentCreate = call.body
        assessment_id = call.ids["assessment_id"]
        was_known = await self._assessments.acknowledge(call.principal, assessment_id, body.actor)
        view = AcknowledgmentView.of(assessment_id)
        return Answer(body=view, replayed=was_known and call.claim is not None)

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/assessments/{assessment_id:asm}/disputes",
            scope=DISPUTE,
            body=DisputeCreate,
            answers={201: DisputeView},
            idempotency="required",
            problems=(NotFoundError, DisputeClosedError, ValidationFailedError),
        )
    )
    async def dispute_assessment(self, call: Call) -> Answer:
        """Contest the revision that counts, within the tenant's window after it was made."""
        body: DisputeCreate = call.body
        objection = Objection(
            reason_code=body.reason_code, comment=body.comment, criteria=body.criteria
        )
        dispute, replayed = await self._disputes.raise_dispute(
            call.principal, _claim(call), call.ids["assessment_id"], objection, body.actor
        )
        view = DisputeView.of(dispute)
        headers = {"Location": f"/v1/disputes/{view.id}"}
        return Answer(body=view, status=201, headers=headers, replayed=replayed)

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/disputes",
            scope=READ,
            query=DisputeQuery,
            answers={200: Page[DisputeView]},
            problems=(CursorInvalidError,),
        )
    )
    async def list_disputes(self, call: Call) -> Answer:
        """List disputes in order of opening."""
        query: DisputeQuery = call.query
        page = call.page
        rows = await self._disputes.list(
            call.principal, page, status=query.status, due_before=query.due_before
        )
        return Answer(body=make_page(rows, page, lambda row: row.dispute_id, DisputeView.of))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/disputes/{dispute_id:dsp}",
            scope=READ,
            answers={200: DisputeView},
            problems=(NotFoundError,),
        )
    )
    async def get_dispute(self, call: Call) -> Answer:
        """Get a dispute: what is contested, until when an answer is due, and what came of it."""
        found = await self._disputes.get(call.principal, call.ids["dispute_id"])
        return Answer(body=DisputeView.of(found))

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/disputes/{dispute_id:dsp}/resolution",
            scope=REVIEW,
            body=ResolutionCreate,
            answers={200: DisputeView},
            idempotency="required",
            problems=(NotFoundError, DisputeClosedError, SameActorError, ValidationFailedError),
        )
    )
    async def resolve_dispute(self, call: Call) -> Answer:
        """Answer a dispute: uphold the assessment, or change it in a new revision.

        Whoever disputed, or made the revision, may not decide.
        """
        body: ResolutionCreate = call.body
        resolution = Resolution(
            changes=tuple(each.change() for each in body.criteria), comment=body.comment
        )
        dispute, replayed = await self._disputes.resolve(
            call.principal, _claim(call), call.ids["dispute_id"], resolution, body.actor
        )
        return Answer(body=DisputeView.of(dispute), replayed=replayed)


def _claim(call: Call) -> Claim:
    """Return the claim of an endpoint that requires one."""
    if call.claim is None:
        raise IdempotencyKeyMissingError
    return call.claim
