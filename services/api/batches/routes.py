"""HTTP face of batches."""

from services.api.admitting import BEGINS
from services.api.batches.schemas import BatchCreate, BatchView
from services.api.batches.service import BatchService
from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.metadata import MetadataPatch
from services.api.operations.answering import begun
from services.api.operations.schemas import OperationView
from services.api.operations.service import OperationService
from shared.errors import NotFoundError

READ = "simulations:read"
WRITE = "simulations:write"


class BatchRoutes:
    """`/v1/simulation_batches`."""

    def __init__(self, batches: BatchService, operations: OperationService) -> None:
        self._batches = batches
        self._operations = operations

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/simulation_batches",
            scope=WRITE,
            body=BatchCreate,
            answers={202: OperationView},
            idempotency="required",
            problems=(NotFoundError, *BEGINS),
        )
    )
    async def create_simulation_batch(self, call: Call) -> Answer:
        """Have scripted learners play scenarios, up to 1,000 conversations at once.

        Answers with an operation; follow the `Location` for results while they come in. With
        `Prefer: wait=N` the answer waits until all are played, at most N seconds and at most 20.
        """
        operation, replayed = await self._batches.start(call.principal, call.claim, call.body)
        return await begun(
            self._operations, call.principal, operation, call.wait_s, replayed=replayed
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
        return Answer(
            body=BatchView.of(*await self._batches.get(call.principal, call.ids["operation_id"]))
        )

    @endpoint(
        Endpoint(
            method="PATCH",
            path="/v1/simulation_batches/{operation_id:op}",
            scope=WRITE,
            body=MetadataPatch,
            answers={200: BatchView},
            problems=(NotFoundError,),
        )
    )
    async def update_simulation_batch(self, call: Call) -> Answer:
        """Change the metadata of a batch; the same change again changes nothing."""
        body: MetadataPatch = call.body
        batch = await self._batches.attach(call.principal, call.ids["operation_id"], body.metadata)
        return Answer(body=BatchView.of(*batch))
