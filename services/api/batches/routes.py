"""HTTP face of batches."""

from services.api.batches.schemas import BatchCreate, BatchView
from services.api.batches.service import BatchService
from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.operations.schemas import OperationView
from shared.errors import BacklogFullError, NotFoundError

READ = "simulations:read"
WRITE = "simulations:write"


class BatchRoutes:
    """`/v1/simulation_batches`."""

    def __init__(self, batches: BatchService) -> None:
        self._batches = batches

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/simulation_batches",
            scope=WRITE,
            body=BatchCreate,
            answers={202: OperationView},
            idempotency="required",
            problems=(NotFoundError, BacklogFullError),
        )
    )
    async def create_simulation_batch(self, call: Call) -> Answer:
        """Have scripted learners play scenarios, up to 1,000 conversations at once.

        Answers with an operation; follow the `Location` for results while they come in.
        """
        operation, replayed = await self._batches.start(call.principal, call.claim, call.body)
        view = OperationView.of(operation)
        return Answer(
            body=view,
            status=202,
            headers={
                "Location": view.result,
                "Operation-Location": f"/v1/operations/{view.id}",
                "Retry-After": "1",
            },
            replayed=replayed,
        )

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/simulation_batches/{operation_id:op}",
            scope=READ,
            answers={200: BatchView},
            problems=(NotFoundError,),
        )
    )
    async def get_simulation_batch(self, call: Call) -> Answer:
        """Get what there is of a batch's result, by scenario and profile."""
        operation, groups = await self._batches.get(call.principal, call.ids["operation_id"])
        return Answer(body=BatchView.of(operation, groups))
