"""HTTP face of results, branches and comparisons."""

from services.api.admitting import BEGINS
from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.simulations.branches import BranchService
from services.api.simulations.result_schemas import (
    BranchCreate,
    ComparisonQuery,
    ComparisonView,
    ResultView,
)
from services.api.simulations.schemas import SimulationCreated, SimulationView, TurnView
from shared.errors import (
    ConflictError,
    NotFoundError,
    TranscriptRemovedError,
    ValidationFailedError,
)
from shared.ids import parse_id

READ = "simulations:read"
WRITE = "simulations:write"


class ResultRoutes:
    """`/v1/simulations/{simulation_id}/...`."""

    def __init__(self, branches: BranchService) -> None:
        self._branches = branches

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/simulations/{simulation_id:sim}/result",
            scope=READ,
            answers={200: ResultView},
            problems=(NotFoundError,),
            audited="evidence.read",
        )
    )
    async def get_simulation_result(self, call: Call) -> Answer:
        """Get what a conversation came to: outcome, mood, facts found, steps done, faults."""
        found = await self._branches.ending(call.principal, call.ids["simulation_id"])
        return Answer(body=ResultView.of(*found))

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/simulations/{simulation_id:sim}/branches",
            scope=WRITE,
            body=BranchCreate,
            answers={201: SimulationCreated},
            idempotency="required",
            problems=(
                NotFoundError,
                ValidationFailedError,
                ConflictError,
                TranscriptRemovedError,
                *BEGINS,
            ),
        )
    )
    async def create_branch(self, call: Call) -> Answer:
        """Rewind: start a conversation that shares this one's turns up to `from_seq`.

        Both stay. The branch runs on the same scenario version and seed.
        """
        body: BranchCreate = call.body
        branched = await self._branches.branch(
            call.principal,
            call.claim,
            call.ids["simulation_id"],
            from_seq=body.from_seq,
            hints=body.hints,
            word_budget=body.word_budget,
        )
        view = SimulationView.of(branched.simulation)
        shows_calls = call.principal.token is None
        turns = [TurnView.of(turn, shows_calls=shows_calls) for turn in branched.turns]
        return Answer(
            body=SimulationCreated.told(view, turns),
            status=201,
            headers={"Location": f"/v1/simulations/{view.id}"},
            replayed=branched.replayed,
        )

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/simulations/{simulation_id:sim}/comparison",
            scope=READ,
            query=ComparisonQuery,
            answers={200: ComparisonView},
            problems=(NotFoundError, ConflictError),
            audited="evidence.read",
        )
    )
    async def compare_simulations(self, call: Call) -> Answer:
        """Compare a conversation (left) with another one of its scenario (right)."""
        query: ComparisonQuery = call.query
        comparison = await self._branches.compare(
            call.principal, call.ids["simulation_id"], parse_id("sim", query.other)
        )
        return Answer(body=ComparisonView.of(comparison))
