"""HTTP face of simulations."""

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.paging import Page, make_page
from services.api.simulations.schemas import (
    MAX_TURNS_PAGE,
    ExchangeView,
    SimulationCreate,
    SimulationCreated,
    SimulationQuery,
    SimulationView,
    TurnCreate,
    TurnList,
    TurnQuery,
    TurnView,
)
from services.api.simulations.service import SimulationService
from services.api.simulations.turns import TurnService
from shared.errors import (
    BacklogFullError,
    ConflictError,
    CursorInvalidError,
    NotFoundError,
    SimulationClosedError,
    TurnInProgressError,
    TurnOutOfOrderError,
)
from shared.ids import format_id, parse_id

READ = "simulations:read"
WRITE = "simulations:write"


class SimulationRoutes:
    """`/v1/simulations`."""

    def __init__(self, simulations: SimulationService, turns: TurnService) -> None:
        self._simulations = simulations
        self._turns = turns

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/simulations",
            scope=WRITE,
            body=SimulationCreate,
            answers={201: SimulationCreated},
            idempotency="required",
            problems=(NotFoundError, BacklogFullError),
        )
    )
    async def create_simulation(self, call: Call) -> Answer:
        """Start a practice conversation.

        The customer speaks first: the answer holds the opening line as turn 0. With `autopilot` a
        scripted learner of the given profile plays the conversation to its end by itself.
        """
        body: SimulationCreate = call.body
        opened = await self._simulations.start(
            call.principal,
            call.claim,
            scenario=body.scenario,
            learner_id=parse_id("lrn", body.learner_id),
            mode=body.mode,
            profile=body.profile,
            seed=body.seed,
            hints=body.hints,
            word_budget=body.word_budget,
        )
        view = SimulationCreated.opened(opened.simulation, opened.opening)
        return Answer(
            body=view,
            status=201,
            headers={"Location": f"/v1/simulations/{view.id}"},
            replayed=opened.replayed,
        )

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/simulations",
            scope=READ,
            query=SimulationQuery,
            answers={200: Page[SimulationView]},
            problems=(CursorInvalidError,),
        )
    )
    async def list_simulations(self, call: Call) -> Answer:
        """List practice conversations in order of creation."""
        query: SimulationQuery = call.query
        page = query.page()
        learner_id = None if query.learner_id is None else parse_id("lrn", query.learner_id)
        rows = await self._simulations.list(
            call.principal,
            page,
            learner_id=learner_id,
            status=query.status,
            operation_id=None if query.operation_id is None else parse_id("op", query.operation_id),
        )
        return Answer(body=make_page(rows, page, lambda row: row.simulation_id, SimulationView.of))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/simulations/{simulation_id:sim}",
            scope=READ,
            answers={200: SimulationView},
            problems=(NotFoundError,),
        )
    )
    async def get_simulation(self, call: Call) -> Answer:
        """Get a practice conversation; once it is scored, it names its assessment."""
        simulation = await self._simulations.get(call.principal, call.ids["simulation_id"])
        return Answer(body=SimulationView.of(simulation))

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/simulations/{simulation_id:sim}/turns",
            scope=WRITE,
            body=TurnCreate,
            answers={200: ExchangeView, 202: ExchangeView},
            idempotency="required",
            problems=(
                NotFoundError,
                TurnInProgressError,
                TurnOutOfOrderError,
                SimulationClosedError,
                ConflictError,
                BacklogFullError,
            ),
        )
    )
    async def create_turn(self, call: Call) -> Answer:
        """Say something to the customer and wait for the reply.

        Answers 200 with both turns, or 202 after 20 seconds without a reply: it is still being
        made, and the `Location` will list it. A repeat with the same key waits for the same reply.
        """
        body: TurnCreate = call.body
        simulation_id = call.ids["simulation_id"]
        if call.claim is None:
            raise AssertionError("the endpoint requires an idempotency key")
        said = await self._turns.say(
            call.principal, call.claim, simulation_id, body.text, body.expected_seq
        )
        exchange = ExchangeView.of(said.exchange)
        if exchange.reply is not None:
            return Answer(body=exchange, replayed=said.replayed)
        seq = exchange.learner_turn.seq
        location = f"/v1/simulations/{format_id('sim', simulation_id)}/turns?after_seq={seq}"
        return Answer(
            body=exchange,
            status=202,
            headers={"Location": location, "Retry-After": "1"},
            replayed=said.replayed,
        )

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/simulations/{simulation_id:sim}/turns",
            scope=READ,
            query=TurnQuery,
            answers={200: TurnList},
            problems=(NotFoundError,),
        )
    )
    async def list_turns(self, call: Call) -> Answer:
        """List the turns of a conversation in order."""
        query: TurnQuery = call.query
        turns = await self._turns.list(
            call.principal,
            call.ids["simulation_id"],
            query.after_seq,
            min(query.limit, MAX_TURNS_PAGE),
        )
        return Answer(body=TurnList(data=[TurnView.of(turn) for turn in turns]))

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/simulations/{simulation_id:sim}/end",
            scope=WRITE,
            answers={200: SimulationView},
            idempotency="accepted",
            problems=(NotFoundError, TurnInProgressError),
        )
    )
    async def end_simulation(self, call: Call) -> Answer:
        """End a conversation; scoring starts by itself. One that has ended stays as it is."""
        simulation, replayed = await self._simulations.end(
            call.principal, call.claim, call.ids["simulation_id"]
        )
        return Answer(
            body=SimulationView.of(simulation), replayed=replayed and call.claim is not None
        )
