"""What happened in a simulation, read for a stream."""

from collections.abc import Iterable
from uuid import UUID

import msgspec

from services.api.principal import Bounds
from services.api.simulations.records import Turn
from services.api.simulations.repository import open_turn
from shared.contracts.events import EventType
from shared.db.pool import Connection, Database
from shared.db.sealed import SealKey
from shared.db.sql import Queries
from shared.db.tx import tenant_once
from shared.errors import NotFoundError

_SQL = Queries("services.api.simulations", "stream_queries.sql")


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """How far a simulation is."""

    learner_id: UUID
    wrapped: bytes
    """The learner's key: a stream ends when it is destroyed."""
    status: str
    end_reason: str | None
    last_seq: int
    sequence: int
    """Of the last event, of the simulation or of its scoring."""
    settled: bool
    """Nothing more will come by itself."""


class StreamEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a simulation or of its scoring, with the facts of either."""

    sequence: int
    type: str
    seq: int | None
    """Of the customer's turn."""
    assessment_id: str | None
    """A plain UUID."""
    revision: int | None
    cause: str | None
    reason: str | None


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """What a stream wants to know."""

    after: int
    """Sequence of the last event it knows."""
    only_seq: int | None
    """The one reply it is about; None for everything."""
    begun_seq: int | None
    """A learner's turn that is to be read as well."""


class News(msgspec.Struct, frozen=True, kw_only=True):
    """What happened in a span."""

    events: tuple[StreamEvent, ...]
    turns: dict[int, Turn]
    """By seq: those that the events speak of."""
    first: tuple[Turn, ...]
    """What the simulation began with, where its start is among the events."""


async def get_head(database: Database, bounds: Bounds, simulation_id: UUID) -> Head:
    """Return how far a simulation is, in one round trip.

    Raises:
        NotFoundError: none that the caller may see, or its learner was erased.
    """
    tenant_id, *limits = bounds
    rows = await tenant_once(database, tenant_id, _SQL["stream_head"], *limits, simulation_id)
    if not rows:
        raise NotFoundError
    return Head(**dict(rows[0]))


class StreamRepository:
    """Queries of one transaction; the caller has read the head before."""

    def __init__(self, connection: Connection, tenant_id: UUID, simulation_id: UUID) -> None:
        self._connection = connection
        self._ids = (tenant_id, simulation_id)

    async def news(self, span: Span, key: SealKey) -> News:
        """Return what happened in a span."""
        rows = await self._connection.fetch(
            _SQL["stream_events"], *self._ids, span.after, span.only_seq
        )
        events = tuple(StreamEvent(**dict(row)) for row in rows)
        seqs = {seq for event in events if event.seq for seq in (event.seq - 1, event.seq)}
        if span.begun_seq is not None:
            seqs.add(span.begun_seq)
        turns = {turn.seq: turn for turn in await self._turns("stream_turns", key, seqs)}
        is_started = any(event.type == EventType.SIMULATION_STARTED for event in events)
        first = await self._turns("stream_first_turns", key) if is_started else ()
        return News(events=events, turns=turns, first=first)

    async def _turns(self, query: str, key: SealKey, *wanted: Iterable[int]) -> tuple[Turn, ...]:
        rows = await self._connection.fetch(
            _SQL[query], *self._ids, *(list(each) for each in wanted)
        )
        return tuple(open_turn(row, key) for row in rows)
