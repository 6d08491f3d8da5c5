"""HTTP face of simulations."""

from services.api.admitting import BEGINS
from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.expanding import Expander, SimulationFull
from services.api.filters.expand import SimulationGet
from services.api.learner_tokens.access import check_scenario
from services.api.metadata import MetadataPatch
from services.api.paging import Page, make_page
from services.api.scenarios.refusals import LanguageNotSupportedError
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
from services.api.simulations.stream_schemas import TURN_EVENTS
from services.api.simulations.stream_service import StreamService
from services.api.simulations.turns import Line, TurnService
from services.api.streams.sse import accepts_stream
from shared.errors import (
    BacklogFullError,
    ConflictError,
    CursorInvalidError,
    NotFoundError,
    SimulationClosedError,
    TurnInProgressError,
    TurnOutOfOrderError,
    UnavailableError,
)
from shared.ids import format_id, parse_id

READ = "simulations:read"
WRITE = "simulations:write"


class SimulationRoutes:
    """`/v1/simulations`."""

    def __init__(
        self,
        simulations: SimulationService,
        turns: TurnService,
        streams: StreamService,
        expander: Expander,
    ) -> None:
        self._expander = expander
        self._simulations = simulations
        self._turns = turns
        self._streams = streams

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/simulations",
            scope=WRITE,
            body=SimulationCreate,
            answers={201: SimulationCreated},
            idempotency="required",
            problems=(
                NotFoundError,
                LanguageNotSupportedError,
                *BEGINS,
                UnavailableError,
            ),
        )
    )
    async def create_simulation(self, call: Call) -> Answer:
        """Start a practice conversation.

        The customer speaks first: the answer holds the opening line as turn 0. With `autopilot` a
        scripted learner of the given profile plays the conversation to its end by itself.
        In another `language` than English, a model says what the customer says and reads what the
        learner says; without one this is refused.
        """
        body: SimulationCreate = call.body
        check_scenario(call.principal, body.scenario)
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
            metadata=body.metadata,
            language=body.language,
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
            answers={200: Page[SimulationFull]},
            problems=(CursorInvalidError,),
        )
    )
    async def list_simulations(self, call: Call) -> Answer:
        """List practice conversations in order of creation, filtered as you ask."""
        query: SimulationQuery = call.query
        page = call.page
        rows = await self._simulations.list(
            call.principal,
            page,
            query,
            status=query.status,
            language=query.language,
            operation_id=None if query.operation_id is None else parse_id("op", query.operation_id),
        )
        shown = make_page(rows, page, lambda row: row.simulation_id, SimulationView.of)
        views = await self._expander.expand(call.principal, "simulation", shown.data, query.expand)
        return Answer(body=Page(data=views, next_cursor=shown.next_cursor))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/simulations/{simulation_id:sim}",
            scope=READ,
            query=SimulationGet,
            answers={200: SimulationFull},
            problems=(NotFoundError,),
        )
    )
    async def get_simulation(self, call: Call) -> Answer:
        """Get a practice conversation; once it is scored, it names its assessment."""
        query: SimulationGet = call.query
        simulation = await self._simulations.get(call.principal, call.ids["simulation_id"])
        (view,) = await self._expander.expand(
            call.principal, "simulation", [SimulationView.of(simulation)], query.expand
        )
        return Answer(body=view)

    @endpoint(
        Endpoint(
            method="PATCH",
            path="/v1/simulations/{simulation_id:sim}",
            scope=WRITE,
            body=MetadataPatch,
            answers={200: SimulationView},
            problems=(NotFoundError,),
        )
    )
    async def update_simulation(self, call: Call) -> Answer:
        """Change the metadata of a practice conversation; the same change again changes nothing."""
        body: MetadataPatch = call.body
        changed = await self._simulations.attach(
            call.principal, call.ids["simulation_id"], body.metadata
        )
        return Answer(body=SimulationView.of(changed))

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/simulations/{simulation_id:sim}/turns",
            scope=WRITE,
            body=TurnCreate,
            answers={200: ExchangeView, 202: ExchangeView},
            events=TURN_EVENTS,
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
        With `Accept: text/event-stream` the reply comes in pieces.
        """
        body: TurnCreate = call.body
        simulation_id = call.ids["simulation_id"]
        if call.claim is None:
            raise AssertionError("the endpoint requires an idempotency key")
        if accepts_stream(call.header(b"accept")):
            line = Line(
                simulation_id=simulation_id,
                text=body.text,
                expected_seq=body.expected_seq,
                streamed=True,
            )
            stream, is_replay = await self._streams.say(call, call.claim, line)
            return Answer(body=None, stream=stream, replayed=is_replay)
        said = await self._turns.say(
            call.principal, call.claim, simulation_id, body.text, body.expected_seq
        )
        shows_calls = call.principal.token is None
        exchange = ExchangeView.of(said.exchange, shows_calls=shows_calls)
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
            audited="transcript.read",
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
        shows_calls = call.principal.token is None
        data = [TurnView.of(turn, shows_calls=shows_calls) for turn in turns]
        return Answer(body=TurnList(data=data))

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
