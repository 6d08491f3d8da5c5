"""Data of the events that a simulation's streams send."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

import msgspec

from services.api.problems import Problem
from services.api.simulations.schemas import ExchangeView, TurnView
from services.api.streams.position import MAX_LENGTH, PATTERN
from services.api.streams.sse import Nothing


class StreamQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a stream goes on."""

    after: Annotated[
        Annotated[str, msgspec.Meta(pattern=PATTERN, max_length=MAX_LENGTH)] | None,
        msgspec.Meta(description="`id` of the last event you have; `Last-Event-ID` goes before."),
    ] = None


class SimulationBegun(msgspec.Struct, frozen=True, kw_only=True):
    """Data of `simulation.started`."""

    simulation_id: str
    turns: list[TurnView]
    """The opening line; of a branch, everything that was said before it."""


class TurnBegun(msgspec.Struct, frozen=True, kw_only=True):
    """Data of `turn.started`: the learner's turn is stored, the reply is being made."""

    simulation_id: str
    learner_turn: TurnView


class TurnDelta(msgspec.Struct, frozen=True, kw_only=True):
    """Data of `turn.delta`: a piece of the reply, provisional."""

    seq: int
    """Of the reply."""
    attempt: int
    index: int
    """Place of the piece, from 0; a gap means that pieces were lost, and does no harm."""
    text: str


class TurnReset(msgspec.Struct, frozen=True, kw_only=True):
    """Data of `turn.reset`: forget the pieces of this reply, it is being made again."""

    seq: int
    attempt: int


class SimulationOver(msgspec.Struct, frozen=True, kw_only=True):
    """Data of `simulation.ended`; its score follows unless it failed."""

    simulation_id: str
    end_reason: str | None
    closing_line: str | None
    """The customer's last line, where no reply said it."""
    last_seq: int


class ScoreUpdated(msgspec.Struct, frozen=True, kw_only=True):
    """Data of `score.updated`: which assessment counts from now on."""

    simulation_id: str
    scoring_id: str
    status: Literal["completed", "failed"]
    assessment_id: str | None
    revision: int | None
    cause: str | None
    """Of a later revision: `rescore`, `override` or `resolution`."""
    reason: str | None
    """Of a failure."""


EVENTS: Final[Mapping[str, type[msgspec.Struct]]] = {
    "simulation.started": SimulationBegun,
    "turn.started": TurnBegun,
    "turn.delta": TurnDelta,
    "turn.reset": TurnReset,
    "turn.completed": ExchangeView,
    "simulation.ended": SimulationOver,
    "score.updated": ScoreUpdated,
    "error": Problem,
    "done": Nothing,
}
"""Type of the data by the name of the event."""

TURN_EVENTS: Final = {
    name: kind
    for name, kind in EVENTS.items()
    if name not in {"simulation.started", "score.updated"}
}
"""Those that the stream of one turn sends."""
