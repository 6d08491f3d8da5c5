"""HTTP face of scorings."""

from dataclasses import replace
from uuid import UUID

from services.api.admitting import BEGINS
from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.expanding import Expander, ScoringFull
from services.api.filters.expand import ScoringGet
from services.api.metadata import MetadataPatch
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
from services.api.waiting import applied, wait_until
from shared.clock import Clock
from shared.errors import (
    ConflictError,
    CursorInvalidError,
    NotFoundError,
    ValidationFailedError,
)

READ = "scorings:read"
WRITE = "scorings:write"

AT_REST = frozenset({"held", "completed", "failed"})
"""Status of a scoring to which nothing more happens by itself."""


class ScoringRoutes:
    """`/v1/scorings`."""

    def __init__(
        self, scorings: ScoringService, roles: RolesService, expander: Expander, clock: Clock
    ) -> None:
        self._scorings = scorings
        self._expander = expander
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
            problems=(NotFoundError, *BEGINS),
        )
    )
    async def create_scoring(self, call: Call) -> Answer:
        """Hand in a conversation to be scored.

        Up to 500 turns of up to 8,000 characters, 400,000 in all; both sides speak, with ten words
        at least. The scoring is queued; follow the `Location` until it is `completed`. One whose
        roles look swapped is `held` until somebody says who is who. With `Prefer: wait=N` the
        answer waits until it is scored, at most N seconds and at most 20.
        """
        body: ScoringCreate = call.body
        if body.occurred_at and body.occurred_at > latest_occurrence(self._clock.now()):
            raise ValidationFailedError(errors=(too_late(body.occurred_at),))
        scoring, replayed = await self._scorings.accept(
            call.principal, call.claim, body.handed_in()
        )
        if call.wait_s:
            scoring = await self._settled(call, scoring.scoring_id)
        answer = _accepted(scoring, replayed=replayed)
        return replace(answer, headers=answer.headers | applied(call.wait_s))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/scorings",
            scope=READ,
            query=ScoringQuery,
            answers={200: Page[ScoringFull]},
            problems=(CursorInvalidError,),
        )
    )
    async def list_scorings(self, call: Call) -> Answer:
        """List scorings in order of creation, filtered as you ask.

        Where you filter by when conversations happened, the list is in that order.
        """
        query: ScoringQuery = call.query
        page = call.page
        rows = await self._scorings.list(call.principal, page, query, status=query.status)
        shown = make_page(rows, page, lambda row: row.scoring_id, ScoringView.of)
        views = await self._expander.expand(call.principal, "scoring", shown.data, query.expand)
        return Answer(body=Page(data=views, next_cursor=shown.next_cursor))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/scorings/{scoring_id:scr}",
            scope=READ,
            query=ScoringGet,
            answers={200: ScoringFull},
            problems=(NotFoundError,),
        )
    )
    async def get_scoring(self, call: Call) -> Answer:
        """Get a scoring; once completed, it names its assessment.

        With `Prefer: wait=N` the answer waits until nothing more happens by itself, at most N
        seconds and at most 20.
        """
        query: ScoringGet = call.query
        scoring = await self._settled(call, call.ids["scoring_id"])
        (view,) = await self._expander.expand(
            call.principal, "scoring", [ScoringView.of(scoring)], query.expand
        )
        return Answer(body=view, headers=applied(call.wait_s))

    async def _settled(self, call: Call, scoring_id: UUID) -> Scoring:
        return await wait_until(
            lambda: self._scorings.get(call.principal, scoring_id),
            lambda scoring: scoring.status in AT_REST,
            call.wait_s,
        )

    @endpoint(
        Endpoint(
            method="PATCH",
            path="/v1/scorings/{scoring_id:scr}",
            scope=WRITE,
            body=MetadataPatch,
            answers={200: ScoringView},
            problems=(NotFoundError,),
        )
    )
    async def update_scoring(self, call: Call) -> Answer:
        """Change the metadata of a scoring; the same change again changes nothing."""
        body: MetadataPatch = call.body
        changed = await self._scorings.attach(call.principal, call.ids["scoring_id"], body.metadata)
        return Answer(body=ScoringView.of(changed))

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/scorings/{scoring_id:scr}/swap_roles",
            scope=WRITE,
            body=RolesSettle,
            answers={202: ScoringView},
            idempotency="accepted",
            problems=(NotFoundError, ConflictError, *BEGINS),
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
    if scoring.status not in AT_REST:
        headers["Retry-After"] = "1"
    return Answer(body=view, status=202, headers=headers, replayed=replayed)
