"""Opens the streams of a simulation: one turn, or everything."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import contextmanager
from uuid import UUID

import msgspec
from typing_extensions import override

from services.api.auth import Authenticator
from services.api.context import ProcessContext
from services.api.endpoint import Call
from services.api.idempotency import Claim
from services.api.live import Channel, LiveReplies
from services.api.principal import Principal
from services.api.simulations.repository import said_turn
from services.api.simulations.service import SimulationService
from services.api.simulations.stream_feed import SimulationFeed
from services.api.simulations.stream_repository import Head, StreamEvent
from services.api.simulations.turns import Line, TurnService
from services.api.streams.opening import OpenStreams
from services.api.streams.pump import Pace, Reading, open_stream

WRITE = "simulations:write"
OBSERVE = "simulations:observe"
"""Whoever may read simulations may observe them as well."""


class TurnFeed(SimulationFeed):
    """One exchange: the learner's turn, the pieces of the reply, the reply."""

    def __init__(
        self,
        context: ProcessContext,
        simulations: SimulationService,
        principal: Principal,
        turns: TurnService,
        claim: Claim,
        line: Line,
    ) -> None:
        super().__init__(context, simulations, principal, line.simulation_id)
        self._reply_seq = self.only_seq = line.expected_seq + 2
        self.is_replay = False
        self._turns = turns
        self._claim = claim
        self._line = line

    @override
    async def begin(self) -> Reading:
        """Take the turn; refusals as of `TurnService.say`."""
        line, principal = self._line, self.principal
        accepted = await self._turns.accept(principal, self._claim, line)
        self._reply_seq = self.only_seq = accepted.seq + 1
        self.use_key(accepted.key)
        if accepted.turn is not None:
            return Reading(chunks=(self.started(said_turn(accepted.turn, line.text)),))
        self.is_replay = True
        exchange = await self._turns.exchange(principal, line.simulation_id, accepted)
        started = self.started(exchange.learner_turn)
        reading = await self.read()
        return msgspec.structs.replace(reading, chunks=(started, *reading.chunks))

    @override
    def is_over(self, head: Head) -> bool:
        return head.status != "open" or head.last_seq >= self._reply_seq

    @override
    def tells(self, event: StreamEvent, head: Head) -> bool:
        """The end belongs to the turn after which nothing was said."""
        return event.seq is not None or head.last_seq <= self._reply_seq


class StreamService:
    """Opens streams; each looks after itself from then on."""

    def __init__(
        self,
        context: ProcessContext,
        simulations: SimulationService,
        turns: TurnService,
        live: LiveReplies,
        authenticator: Authenticator,
    ) -> None:
        self._context = context
        self._simulations = simulations
        self._turns = turns
        self._live = live
        self._authenticator = authenticator
        self._opened = OpenStreams()

    async def say(self, call: Call, claim: Claim, line: Line) -> tuple[AsyncIterator[bytes], bool]:
        """Take a turn; return the stream of its reply, and whether it was taken before.

        Raises:
            AppError: as of `TurnService.say`; nothing was sent yet.
        """
        feed = TurnFeed(self._context, self._simulations, call.principal, self._turns, claim, line)
        pace = self._pace(call, feed, WRITE, self._context.settings.turn_wait_s)
        return await self._open(call.principal, line.simulation_id, feed, pace), feed.is_replay

    async def follow(
        self, call: Call, simulation_id: UUID, after: int
    ) -> AsyncIterator[bytes] | None:
        """Return the stream of everything after an event; None when nothing will ever follow.

        Raises:
            NotFoundError: no such simulation for this caller.
        """
        feed = SimulationFeed(
            self._context, self._simulations, call.principal, simulation_id, after
        )
        pace = self._pace(call, feed, OBSERVE, None)
        stream = await self._open(call.principal, simulation_id, feed, pace)
        if not feed.is_exhausted:
            return stream
        await stream.aclose()
        return None

    async def _open(
        self, principal: Principal, simulation_id: UUID, feed: SimulationFeed, pace: Pace
    ) -> AsyncGenerator[bytes]:
        await self._live.open()
        return await open_stream(self._watching(principal.tenant_id, simulation_id), feed, pace)

    @contextmanager
    def _watching(self, tenant_id: UUID, simulation_id: UUID) -> Iterator[Channel]:
        with self._opened.one_more(tenant_id), self._live.watch(tenant_id, simulation_id) as news:
            yield news

    def _pace(self, call: Call, feed: SimulationFeed, scope: str, wait_s: float | None) -> Pace:
        context = self._context
        header = call.header(b"authorization")

        async def check() -> None:
            principal = await self._authenticator.principal(header, address=call.address)
            principal.require(scope)
            feed.principal = principal

        return Pace(
            heartbeat_s=context.settings.stream_heartbeat_s,
            check=check,
            stopping=context.stopping,
            request_id=call.request_id,
            wait_s=wait_s,
        )
