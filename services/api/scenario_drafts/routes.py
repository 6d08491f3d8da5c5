"""HTTP face of drafted scenarios and of trials."""

from typing import Final

from services.api.admitting import QUEUES
from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.operations.answering import begun, showing
from services.api.operations.schemas import OperationView
from services.api.operations.service import OperationService
from services.api.scenario_drafts.refusals import ModelRequiredError
from services.api.scenario_drafts.schemas import ScenarioDraftCreate, ScenarioDraftingView
from services.api.scenario_drafts.service import DraftingService
from shared.drafting.stored import Kind
from shared.errors import NotFoundError

WRITE = "scenarios:write"

KINDS: Final[tuple[Kind, ...]] = ("scenario_draft", "scenario_trial")


class ScenarioDraftRoutes:
    """`/v1/scenario_drafts`, and trials of drafts."""

    def __init__(self, drafts: DraftingService, operations: OperationService) -> None:
        self._drafts = drafts
        self._operations = operations

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/scenario_drafts",
            scope=WRITE,
            body=ScenarioDraftCreate,
            answers={202: OperationView},
            idempotency="required",
            problems=(ModelRequiredError, *QUEUES),
        )
    )
    async def create_scenario_draft(self, call: Call) -> Answer:
        """Have a scenario drafted by the tenant's language model.

        From some sentences, a policy document, or a real conversation. The draft is checked by the
        linter, mended, and played by scripted learners; follow the `Location` for what came out.
        With `Prefer: wait=N` the answer waits for that, at most N seconds and at most 20.
        """
        body: ScenarioDraftCreate = call.body
        operation, replayed = await self._drafts.draft_scenario(
            call.principal, call.claim, body.wanted()
        )
        return await begun(
            self._operations, call.principal, operation, call.wait_s, replayed=replayed
        )

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/scenario_drafts/{operation_id:op}",
            scope=WRITE,
            answers={200: ScenarioDraftingView},
            problems=(NotFoundError,),
        )
    )
    async def get_scenario_draft_result(self, call: Call) -> Answer:
        """Get what became of drafting a scenario, or of a trial.

        With `Prefer: wait=N` the answer waits for its end, at most N seconds and at most 20.
        """
        operation_id = call.ids["operation_id"]
        if call.wait_s:
            await self._operations.await_end(call.principal, operation_id, call.wait_s)
        operation, kept = await self._drafts.get(call.principal, operation_id, KINDS)
        return Answer(
            body=ScenarioDraftingView.of(operation, kept),
            headers=showing(operation, call.wait_s),
        )

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/scenarios/{scenario_id:scn}/trial",
            scope=WRITE,
            answers={202: OperationView},
            idempotency="accepted",
            problems=(NotFoundError, *QUEUES),
        )
    )
    async def try_scenario(self, call: Call) -> Answer:
        """Have scripted learners play the draft of a scenario.

        A draft that a model made can be published once its present revision has passed; for others
        the trial is advice. It needs no model. With `Prefer: wait=N` the answer waits for the end,
        at most N seconds and at most 20.
        """
        operation, replayed = await self._drafts.try_scenario(
            call.principal, call.claim, call.ids["scenario_id"]
        )
        return await begun(
            self._operations, call.principal, operation, call.wait_s, replayed=replayed
        )
