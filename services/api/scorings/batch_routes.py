"""HTTP face of requests with many conversations."""

from uuid import UUID

from services.api.admitting import BEGINS
from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.operations.answering import beginning, showing
from services.api.operations.repository import Operation
from services.api.operations.service import OperationService
from services.api.scorings.batch_repository import ItemRow
from services.api.scorings.batch_schemas import (
    ScoringBatchBody,
    ScoringBatchCreate,
    ScoringBatchView,
)
from services.api.scorings.batches import ScoringBatchService
from services.api.scorings.routes import READ, WRITE
from shared.errors import NotFoundError
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
            problems=BEGINS,
        )
    )
    async def create_scoring_batch(self, call: Call) -> Answer:
        """Hand in up to 1,000 conversations to be scored.

        Each is accepted, held or refused by itself, as `POST /v1/scorings` would do; the answer
        names the outcome of every one, in the order of the request. Follow the `Location` for
        results while they come in. With `Prefer: wait=N` the answer waits until all are scored, at
        most N seconds and at most 20.
        """
        body: ScoringBatchBody = call.body
        operation, items, replayed = await self._batches.accept(
            call.principal, call.claim, body.conversations
        )
        if call.wait_s:
            operation, items = await self._waited(call, operation.operation_id)
        return Answer(
            body=ScoringBatchView.of(operation, items),
            status=202,
            headers=beginning(operation, call.wait_s),
            replayed=replayed,
        )

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
        """Get what became of every conversation of a request so far.

        With `Prefer: wait=N` the answer waits until all are scored, at most N seconds and at most
        20.
        """
        operation, items = await self._waited(call, call.ids["operation_id"])
        return Answer(
            body=ScoringBatchView.of(operation, items), headers=showing(operation, call.wait_s)
        )

    async def _waited(self, call: Call, operation_id: UUID) -> tuple[Operation, list[ItemRow]]:
        """Return a request when it has ended, or as it is after the time the client gave."""
        if call.wait_s:
            await self._operations.await_end(call.principal, operation_id, call.wait_s)
        return await self._batches.get(call.principal, operation_id)

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
