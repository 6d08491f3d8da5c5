"""HTTP face of rubrics."""

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.paging import Page, make_page
from services.api.rubrics.schemas import RubricQuery, RubricView
from services.api.rubrics.service import RubricService
from shared.errors import CursorInvalidError, NotFoundError

READ = "rubrics:read"


class RubricRoutes:
    """`/v1/rubrics`."""

    def __init__(self, rubrics: RubricService) -> None:
        self._rubrics = rubrics

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/rubrics",
            scope=READ,
            query=RubricQuery,
            answers={200: Page[RubricView]},
            problems=(CursorInvalidError,),
        )
    )
    async def list_rubrics(self, call: Call) -> Answer:
        """List rubrics, each in its newest version, in order of creation."""
        query: RubricQuery = call.query
        page = query.page()
        rows = await self._rubrics.list(call.principal, page, slug=query.slug)
        return Answer(body=make_page(rows, page, lambda row: row.rubric_id, RubricView.of))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/rubrics/{rubric_id:rub}",
            scope=READ,
            answers={200: RubricView},
            problems=(NotFoundError,),
        )
    )
    async def get_rubric(self, call: Call) -> Answer:
        """Get a rubric in its newest version."""
        found = await self._rubrics.get(call.principal, call.ids["rubric_id"])
        return Answer(body=RubricView.of(found))
