"""HTTP face of scorings."""

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.paging import Page, make_page
from services.api.scorings.records import Scoring
from services.api.scorings.schemas import (
    RolesSettle,
    ScoringCreate,
    ScoringQuery,
    ScoringView,
    latest_occurrence,
    too_late,
)
from services.api.scorings.service import ScoringService
from services.api.scorings.settling import RolesService
from shared.clock import Clock
from shared.errors import (
    BacklogFullError,
    ConflictError,
    CursorInvalidError,
    NotFoundError,
    ValidationFailedError,
)
from shared.ids import parse_id

READ = "scorings:read"
WRITE = "scorings:write"


class ScoringRoutes:
    """`/v1/scorings`."""

    def __init__(self, scorings: ScoringService, roles: RolesService, clock: Clock) -> None:
        self._scorings = scorings
        self._roles = roles
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

        Up to 500 turns of up to 8,000 characters, 400,000 in all; both sides speak, with ten words
        at least. The scoring is queued; follow the `Location` until it is `completed`. One whose
        roles look swapped is `held` until somebody says who is who.
        """
        body: ScoringCreate = call.body
        if body.occurred_at and body.occurred_at > latest_occurrence(self._clock.now()):
            raise ValidationFailedError(errors=(too_late(body.occurred_at),))
        scoring, replayed = await self._scorings.accept(
            call.principal, call.claim, body.handed_in()
        )
        return _accepted(scoring, replayed=replayed)

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
            method="POST",
            path="/v1/scorings/{scoring_id:scr}/swap_roles",
            scope=WRITE,
            body=RolesSettle,
            answers={202: ScoringView},
            idempotency="accepted",
            problems=(NotFoundError, ConflictError, BacklogFullError),
        )
    )
    async def swap_roles(self, call: Call) -> Answer:
        """Say who is who in a conversation that was handed in.

        A `held` scoring is scored then. A `completed` one whose roles change is judged again, as a
        new revision. Where the roles are as wanted already, nothing happens.
        """
        body: RolesSettle = call.body
        scoring, replayed = await self._roles.settle(
            call.principal, call.claim, call.ids["scoring_id"], swap=body.confirm == "swap"
        )
        return _accepted(scoring, replayed=replayed and call.claim is not None)


def _accepted(scoring: Scoring, *, replayed: bool) -> Answer:
    view = ScoringView.of(scoring)
    headers = {"Location": f"/v1/scorings/{view.id}"}
    if view.status != "held":
        headers["Retry-After"] = "1"
    return Answer(body=view, status=202, headers=headers, replayed=replayed)
