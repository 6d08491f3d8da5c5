"""HTTP face of scorings and assessments."""

from datetime import timedelta

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.paging import Page, make_page
from services.api.scorings.schemas import (
    AssessmentView,
    ScoringCreate,
    ScoringQuery,
    ScoringView,
    too_late,
)
from services.api.scorings.service import Conversation, ScoringService
from shared.clock import Clock
from shared.errors import (
    BacklogFullError,
    CursorInvalidError,
    NotFoundError,
    ValidationFailedError,
)
from shared.ids import parse_id

READ = "scorings:read"
WRITE = "scorings:write"

CLOCK_SLACK = timedelta(days=1)
"""How far ahead `occurred_at` may be: partners' clocks and time zones are often wrong by hours."""


class ScoringRoutes:
    """`/v1/scorings` and `/v1/assessments`."""

    def __init__(self, scorings: ScoringService, clock: Clock) -> None:
        self._scorings = scorings
        self._clock = clock

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/scorings",
            scope=WRITE,
            body=ScoringCreate,
            answers={202: ScoringView},
            idempotency="required",
            problems=(NotFoundError, BacklogFullError),
        )
    )
    async def create_scoring(self, call: Call) -> Answer:
        """Hand in a conversation to be scored.

        Up to 500 turns. The scoring is queued; follow the `Location` until it is `completed`.
        """
        body: ScoringCreate = call.body
        if body.occurred_at and body.occurred_at > self._clock.now() + CLOCK_SLACK:
            raise ValidationFailedError(errors=(too_late(body.occurred_at),))
        scoring, replayed = await self._scorings.accept(
            call.principal,
            call.claim,
            conversation=Conversation(
                turns=body.conversation.transcript(),
                source=body.conversation.source,
                external_id=body.conversation.external_id,
            ),
            learner_id=parse_id("lrn", body.learner_id),
            occurred_at=body.occurred_at,
            rubric=body.rubric,
        )
        view = ScoringView.of(scoring)
        return Answer(
            body=view,
            status=202,
            headers={"Location": f"/v1/scorings/{view.id}", "Retry-After": "1"},
            replayed=replayed,
        )

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/scorings",
            scope=READ,
            query=ScoringQuery,
            answers={200: Page[ScoringView]},
            problems=(CursorInvalidError,),
        )
    )
    async def list_scorings(self, call: Call) -> Answer:
        """List scorings in order of creation."""
        query: ScoringQuery = call.query
        page = query.page()
        learner_id = None if query.learner_id is None else parse_id("lrn", query.learner_id)
        rows = await self._scorings.list(
            call.principal, page, learner_id=learner_id, status=query.status
        )
        return Answer(body=make_page(rows, page, lambda row: row.scoring_id, ScoringView.of))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/scorings/{scoring_id:scr}",
            scope=READ,
            answers={200: ScoringView},
            problems=(NotFoundError,),
        )
    )
    async def get_scoring(self, call: Call) -> Answer:
        """Get a scoring; once completed, it names its assessment."""
        scoring = await self._scorings.get(call.principal, call.ids["scoring_id"])
        return Answer(body=ScoringView.of(scoring))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/assessments/{assessment_id:asm}",
            scope=READ,
            answers={200: AssessmentView},
            problems=(NotFoundError,),
        )
    )
    async def get_assessment(self, call: Call) -> Answer:
        """Get an assessment: scores with the quotes that prove them."""
        found = await self._scorings.get_assessment(call.principal, call.ids["assessment_id"])
        return Answer(body=AssessmentView.of(found))
