"""HTTP face of requests with many conversations."""

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.operations.service import OperationService
from services.api.scorings.batch_schemas import (
    ScoringBatchBody,
    ScoringBatchCreate,
    ScoringBatchView,
)
from services.api.scorings.batches import ScoringBatchService
from services.api.scorings.routes import READ, WRITE
from shared.errors import BacklogFullError, NotFoundError
from shared.intake.limits import MAX_BATCH_BYTES


class ScoringBatchRoutes:
    """`/v1/scoring_batches`."""

    def __init__(self, batches: ScoringBatchService, operations: OperationService) -> None:
        self._batches = batches
        self._operations = operations

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/scoring_batches",
            scope=WRITE,
            body=ScoringBatchBody,
            shown_body=ScoringBatchCreate,
            max_body_bytes=MAX_BATCH_BYTES,
            answers={202: ScoringBatchView},
            idempotency="required",
            problems=(BacklogFullError,),
        )
    )
    async def create_scoring_batch(self, call: Call) -> Answer:
        """Hand in up to 1,000 conversations to be scored.

        Each is accepted, held or refused by itself, as `POST /v1/scorings` would do; the answer
        names the outcome of every one, in the order of the request. Follow the `Location` for
        results while they come in.
        """
        body: ScoringBatchBody = call.body
        operation, items, replayed = await self._batches.accept(
            call.principal, call.claim, body.conversations
        )
        view = ScoringBatchView.of(operation, items)
        headers = {
            "Location": f"/v1/scoring_batches/{view.id}",
            "Operation-Location": f"/v1/operations/{view.id}",
            "Retry-After": "1",
        }
        return Answer(body=view, status=202, headers=headers, replayed=replayed)

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/scoring_batches/{operation_id:op}",
            scope=READ,
            answers={200: ScoringBatchView},
            problems=(NotFoundError,),
        )
    )
    async def get_scoring_batch(self, call: Call) -> Answer:
        """Get what became of every conversation of a request so far."""
        operation, items = await self._batches.get(call.principal, call.ids["operation_id"])
        headers = {} if operation.ended_at else {"Retry-After": "1"}
        return Answer(body=ScoringBatchView.of(operation, items), headers=headers)

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/scoring_batches/{operation_id:op}/cancel",
            scope=WRITE,
            answers={200: ScoringBatchView},
            idempotency="accepted",
            problems=(NotFoundError,),
        )
    )
    async def cancel_scoring_batch(self, call: Call) -> Answer:
        """Stop scoring what has not been scored yet; what is scored, or held, stays."""
        operation_id = call.ids["operation_id"]
        await self._batches.get(call.principal, operation_id)  # and no operation of another kind
        _, was_over = await self._operations.cancel(call.principal, call.claim, operation_id)
        operation, items = await self._batches.get(call.principal, operation_id)
        return Answer(
            body=ScoringBatchView.of(operation, items),
            replayed=was_over and call.claim is not None,
        )
