"""HTTP face of the estimates."""

from services.api.batches.schemas import BatchCreate
from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.estimates.schemas import EstimateView
from services.api.estimates.service import EstimateService
from services.api.scorings.batch_schemas import ScoringBatchCreate
from shared.errors import NotFoundError
from shared.intake.limits import MAX_BATCH_BYTES


class EstimateRoutes:
    """`/v1/simulation_batches/estimate` and `/v1/scoring_batches/estimate`."""

    def __init__(self, estimates: EstimateService) -> None:
        self._estimates = estimates

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/simulation_batches/estimate",
            scope="simulations:write",
            body=BatchCreate,
            answers={200: EstimateView},
            problems=(NotFoundError,),
        )
    )
    async def estimate_simulation_batch(self, call: Call) -> Answer:
        """Estimate what a batch of autopilot conversations will cost; send the body of the batch.

        Nothing is stored. A batch that the budget does not cover still runs: without it, the
        embedded engines go on.
        """
        body: BatchCreate = call.body
        return Answer(body=EstimateView.of(await self._estimates.simulations(call.principal, body)))

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/scoring_batches/estimate",
            scope="scorings:write",
            body=ScoringBatchCreate,
            max_body_bytes=MAX_BATCH_BYTES,
            answers={200: EstimateView},
            problems=(NotFoundError,),
        )
    )
    async def estimate_scoring_batch(self, call: Call) -> Answer:
        """Estimate what scoring many conversations will cost; send the body of the batch.

        Nothing is stored. Unlike the batch, which takes what it can, this refuses a body with any
        conversation that is wrong, and names every wrong field.
        """
        body: ScoringBatchCreate = call.body
        found = await self._estimates.scorings(call.principal, body.conversations)
        return Answer(body=EstimateView.of(found))
