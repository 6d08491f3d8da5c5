"""HTTP face of drafted rubrics."""

from typing import Final

from services.api.admitting import QUEUES
from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.operations.answering import begun, showing
from services.api.operations.schemas import OperationView
from services.api.operations.service import OperationService
from services.api.rubric_drafts.schemas import RubricDraftCreate, RubricDraftingView
from services.api.scenario_drafts.refusals import ModelRequiredError
from services.api.scenario_drafts.service import DraftingService
from shared.drafting.stored import Kind
from shared.errors import NotFoundError

WRITE = "rubrics:write"

KINDS: Final[tuple[Kind, ...]] = ("rubric_draft",)


class RubricDraftRoutes:
    """`/v1/rubric_drafts`."""

    def __init__(self, drafts: DraftingService, operations: OperationService) -> None:
        self._drafts = drafts
        self._operations = operations

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/rubric_drafts",
            scope=WRITE,
            body=RubricDraftCreate,
            answers={202: OperationView},
            idempotency="required",
            problems=(ModelRequiredError, *QUEUES),
        )
    )
    async def create_rubric_draft(self, call: Call) -> Answer:
        """Have a rubric drafted by the tenant's language model, from a scorecard in plain text.

        Every line is mapped to behaviors that the judge knows; what none stands for is named in the
        result and left out. The draft is checked by the linter, mended, and tried out on recorded
        conversations; follow the `Location` for what came out. With `Prefer: wait=N` the answer
        waits for that, at most N seconds and at most 20.
        """
        body: RubricDraftCreate = call.body
        operation, replayed = await self._drafts.draft_rubric(
            call.principal, call.claim, body.wanted()
        )
        return await begun(
            self._operations, call.principal, operation, call.wait_s, replayed=replayed
        )

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/rubric_drafts/{operation_id:op}",
            scope=WRITE,
            answers={200: RubricDraftingView},
            problems=(NotFoundError,),
        )
    )
    async def get_rubric_draft_result(self, call: Call) -> Answer:
        """Get what became of drafting a rubric.

        With `Prefer: wait=N` the answer waits for its end, at most N seconds and at most 20.
        """
        operation_id = call.ids["operation_id"]
        if call.wait_s:
            await self._operations.await_end(call.principal, operation_id, call.wait_s)
        operation, kept = await self._drafts.get(call.principal, operation_id, KINDS)
        return Answer(
            body=RubricDraftingView.of(operation, kept), headers=showing(operation, call.wait_s)
        )
