"""HTTP face of lists of assessments."""

from services.api.assessments.listing import ListingService
from services.api.assessments.listing_schemas import AssessmentItem, AssessmentQuery
from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.expanding import AssessmentItemFull, Expander
from services.api.paging import Page, make_page
from services.api.skills.service import SkillService
from shared.errors import CursorInvalidError

READ = "scorings:read"


class AssessmentListRoutes:
    """`/v1/assessments`."""

    def __init__(self, listing: ListingService, skills: SkillService, expander: Expander) -> None:
        self._expander = expander
        self._listing = listing
        self._skills = skills

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/assessments",
            scope=READ,
            query=AssessmentQuery,
            answers={200: Page[AssessmentItemFull]},
            problems=(CursorInvalidError,),
            audited="evidence.read",
        )
    )
    async def list_assessments(self, call: Call) -> Answer:
        """List assessments, filtered as you ask.

        Of each conversation the revision that counts, with its numbers and without its words. The
        order, and what `created_after` and `created_before` look at, is the creation of the
        scoring, so that a new revision does not move; where you filter by when conversations
        happened, the list is in that order.
        """
        query: AssessmentQuery = call.query
        page = call.page
        rows = await self._listing.list(call.principal, page, query)
        hidden = await self._skills.hidden(call.principal)
        shown = make_page(
            rows, page, lambda row: row.scoring_id, lambda row: AssessmentItem.of(row, hidden)
        )
        views = await self._expander.expand(call.principal, "assessment", shown.data, query.expand)
        return Answer(body=Page(data=views, next_cursor=shown.next_cursor))
