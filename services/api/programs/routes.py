"""HTTP face of programs."""

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.paging import Page, PageQuery, make_page
from services.api.programs.schemas import ProgramCreate, ProgramPatch, ProgramView
from services.api.programs.service import ProgramService
from shared.errors import ConflictError, CursorInvalidError, NotFoundError

READ = "reports:read"
WRITE = "settings:write"


class ProgramRoutes:
    """`/v1/programs`."""

    def __init__(self, programs: ProgramService) -> None:
        self._programs = programs

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/programs",
            scope=WRITE,
            body=ProgramCreate,
            answers={201: ProgramView},
            idempotency="accepted",
            problems=(NotFoundError, ConflictError),
        )
    )
    async def create_program(self, call: Call) -> Answer:
        """Describe a training program: who took part, when, what it cost, what it should move.

        Its people are fixed from then on; everything else can be changed.
        """
        body: ProgramCreate = call.body
        program, replayed = await self._programs.create(
            call.principal,
            call.claim,
            treated=body.treated.people(),
            comparison=None if body.comparison is None else body.comparison.people(),
            course=body.course(),
            worth=body.worth(),
        )
        view = ProgramView.of(program)
        return Answer(
            body=view,
            status=201,
            headers={"Location": f"/v1/programs/{view.id}"},
            replayed=replayed,
        )

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/programs",
            scope=READ,
            query=PageQuery,
            answers={200: Page[ProgramView]},
            problems=(CursorInvalidError,),
        )
    )
    async def list_programs(self, call: Call) -> Answer:
        """List programs in order of creation."""
        rows = await self._programs.list(call.principal, call.page)
        return Answer(body=make_page(rows, call.page, lambda row: row.program_id, ProgramView.of))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/programs/{program_id:prog}",
            scope=READ,
            answers={200: ProgramView},
            problems=(NotFoundError,),
        )
    )
    async def get_program(self, call: Call) -> Answer:
        """Get a program as it was described."""
        found = await self._programs.get(call.principal, call.ids["program_id"])
        return Answer(body=ProgramView.of(found))

    @endpoint(
        Endpoint(
            method="PATCH",
            path="/v1/programs/{program_id:prog}",
            scope=WRITE,
            body=ProgramPatch,
            answers={200: ProgramView},
            problems=(NotFoundError,),
        )
    )
    async def update_program(self, call: Call) -> Answer:
        """Change what it cost, should move or when it was; the same again changes nothing."""
        body: ProgramPatch = call.body
        changed = await self._programs.change(call.principal, call.ids["program_id"], body.apply)
        return Answer(body=ProgramView.of(changed))
