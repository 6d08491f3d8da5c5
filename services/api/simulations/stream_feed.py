"""What a simulation's stream tells: events by their sequence, pieces of a reply in between."""

from typing import cast
from uuid import UUID

import msgspec

from services.api.context import ProcessContext
from services.api.fields import public
from services.api.principal import Principal
from services.api.simulations.records import Exchange, Standing, Status, Turn
from services.api.simulations.schemas import ExchangeView, TurnView
from services.api.simulations.service import SimulationService
from services.api.simulations.stream_pieces import Pieces
from services.api.simulations.stream_repository import (
    Head,
    News,
    Span,
    StreamEvent,
    StreamRepository,
    get_head,
)
from services.api.simulations.stream_schemas import (
    ScoreUpdated,
    SimulationBegun,
    SimulationOver,
    TurnBegun,
)
from services.api.streams.pump import Reading
from services.api.streams.sse import encode_event
from shared.contracts.events import EventType
from shared.contracts.live import LiveDelta, LiveNews
from shared.db.sealed import SealKey
from shared.db.tx import tenant_tx
from shared.ids import format_id


class SimulationFeed:
    """Everything that happens in a simulation after an event, until it is scored."""

    def __init__(
        self,
        context: ProcessContext,
        simulations: SimulationService,
        principal: Principal,
        simulation_id: UUID,
        after: int = 0,
    ) -> None:
        self.principal = principal
        """Who reads; renewed while the stream is open."""
        self.is_exhausted = False
        """There was nothing at the beginning, and nothing will ever follow."""
        self.only_seq: int | None = None
        """The one reply that the stream is about; None for everything."""
        self._context = context
        self._simulations = simulations
        self._simulation_id = simulation_id
        self._public_id = format_id("sim", simulation_id)
        self._after = after
        self._key: tuple[bytes, SealKey] | None = None
        self._pieces = Pieces(simulation_id)
        self._replied = 0
        """Seq of the last customer's turn that is stored."""
        self._announced = 0
        """Seq of the learner's turn that `turn.started` was sent for."""

    @property
    def _shows_calls(self) -> bool:
        return self.principal.token is None

    async def begin(self) -> Reading:
        """Return what happened before; see `Feed`."""
        reading = await self.read()
        self.is_exhausted = reading.is_over and not reading.chunks
        return reading

    async def read(self) -> Reading:
        """Look into Postgres; see `Feed`."""
        context, tenant_id = self._context, self.principal.tenant_id
        bounds = self.principal.bounds(context.clock.now())
        head = await get_head(context.database, bounds, self._simulation_id)
        key = await self._open_key(head.learner_id, head.wrapped)
        self._replied = head.last_seq - head.last_seq % 2
        span = self._span(head)
        if span is None:
            return Reading(is_over=self.is_over(head))
        async with tenant_tx(context.database, tenant_id) as connection:
            repository = StreamRepository(connection, tenant_id, self._simulation_id)
            news = await repository.news(span, key)
        newest = max(head.sequence, *(event.sequence for event in news.events), 0)
        now = head
        if newest > head.sequence:  # stored between the two looks: its pieces are of the past
            now = await get_head(context.database, bounds, self._simulation_id)
            self._replied = now.last_seq - now.last_seq % 2
        chunks = [
            await self._event(event, news, now) for event in news.events if self.tells(event, now)
        ]
        self._after = newest
        if span.begun_seq is not None and span.begun_seq > self._replied:
            chunks.append(self.started(news.turns[span.begun_seq]))
        return Reading(chunks=tuple(chunks), is_over=self.is_over(head))

    async def hear(self, news: LiveNews) -> Reading:
        """Return what a piece of news is worth; see `Feed`."""
        if not isinstance(news, LiveDelta):
            return await self.read()
        chunks: tuple[bytes, ...] = ()
        if self._replied < news.seq and self._announced < news.seq - 1:
            reading = await self.read()  # the learner's words come before the customer's
            if reading.is_over:
                return reading
            chunks = reading.chunks
        if self._replied >= news.seq or self._key is None:
            return Reading(chunks=chunks)
        return Reading(chunks=(*chunks, *self._pieces.tell(news, self._key[1])))

    def use_key(self, key: SealKey) -> None:
        """Open pieces with the key that the learner's turn was sealed with."""
        self._key = (b"", key)

    def is_over(self, head: Head) -> bool:
        """Say whether nothing follows what is known at this point."""
        return head.settled

    def tells(self, _event: StreamEvent, _head: Head) -> bool:
        """Say whether an event belongs to this stream."""
        return True

    def started(self, turn: Turn) -> bytes:
        """Return the event that a learner's turn is stored."""
        self._announced = turn.seq
        data = TurnBegun(simulation_id=self._public_id, learner_turn=TurnView.of(turn))
        return encode_event("turn.started", data)

    def _span(self, head: Head) -> Span | None:
        """Return what is to be read, or None when nothing is new."""
        is_begun = head.status == "open" and self._announced < head.last_seq > self._replied
        if head.sequence <= self._after and not is_begun:
            return None
        begun_seq = head.last_seq if is_begun else None
        return Span(after=self._after, only_seq=self.only_seq, begun_seq=begun_seq)

    async def _event(self, event: StreamEvent, news: News, head: Head) -> bytes:
        data: msgspec.Struct
        name = event.type
        if event.type == EventType.SIMULATION_STARTED:
            first = [TurnView.of(turn, shows_calls=self._shows_calls) for turn in news.first]
            data = SimulationBegun(simulation_id=self._public_id, turns=first)
        elif event.type == EventType.SIMULATION_ENDED:
            data = await self._over()
        elif event.seq is not None:
            exchange = _exchange(news.turns, event.seq, head)
            data = ExchangeView.of(exchange, shows_calls=self._shows_calls)
        else:
            name, data = "score.updated", self._score(event)
        return encode_event(name, data, str(event.sequence))

    async def _over(self) -> SimulationOver:
        simulation = await self._simulations.get(self.principal, self._simulation_id)
        return SimulationOver(
            simulation_id=self._public_id,
            end_reason=simulation.end_reason,
            closing_line=simulation.closing_line,
            last_seq=simulation.last_seq,
        )

    def _score(self, event: StreamEvent) -> ScoreUpdated:
        assessment_id = None if event.assessment_id is None else UUID(event.assessment_id)
        return ScoreUpdated(
            simulation_id=self._public_id,
            scoring_id=format_id("scr", self._simulation_id),  # a simulation's scoring has its id
            status="failed" if event.type == EventType.SCORING_FAILED else "completed",
            assessment_id=public("asm", assessment_id),
            revision=event.revision,
            cause=event.cause,
            reason=event.reason,
        )

    async def _open_key(self, learner_id: UUID, wrapped: bytes) -> SealKey:
        """Return the learner's key; it is opened once as long as it stays the same."""
        if self._key is None or self._key[0] != wrapped:
            context = self._context
            tenant = await context.keys.warm(context.database, self.principal.tenant_id)
            self._key = (wrapped, tenant.learner_key(learner_id, wrapped))
        return self._key[1]


def _exchange(turns: dict[int, Turn], seq: int, head: Head) -> Exchange:
    standing = Standing(
        status=cast("Status", head.status), end_reason=head.end_reason, last_seq=head.last_seq
    )
    return Exchange(learner_turn=turns[seq - 1], reply=turns[seq], standing=standing)
