"""What is told on `live.<tenant>.<simulation>`: core NATS, heard or lost."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from shared.contracts.base import Record


class LiveTurn(Record, frozen=True, kw_only=True, tag="turn"):
    """A customer's turn as it was stored, so that whoever waits need not read it back.

    The text stays sealed: only a process that holds the learner's key can open it.
    """

    seq: int
    turn_id: UUID
    text: bytes
    """Sealed like the column `turns.text`."""
    state: msgspec.Raw
    """JSON of `PersonaState`."""
    surface: str
    acts: msgspec.Raw
    """JSON list of `ActSpan`."""
    causes: msgspec.Raw
    """JSON list of `Cause`."""
    engine: str
    wording: msgspec.Raw = msgspec.Raw(b"null")
    """JSON of `WordingNote`, or `null`."""
    appraisal: Literal["embedded", "model"] = "embedded"
    """Who read what the learner said."""
    hint: str | None
    """For the learner's next turn, where hints are on; derived from rules, no one's text."""
    created_at: datetime
    queued_ms: int = 0
    """How long its job waited for a worker: what an API process watches for overload."""
    status: str
    """Of the simulation, after this turn."""
    end_reason: str | None


class LiveDelta(Record, frozen=True, kw_only=True, tag="delta"):
    """A piece of a customer's turn before it is stored: provisional, and only where somebody asked.

    Nothing is lost with it: the stored turn replaces all of its pieces.
    """

    seq: int
    attempt: int
    """Which try at the turn, from 1: the pieces of an earlier one no longer count."""
    index: int
    """Place of the piece in its try, from 0."""
    text: bytes
    """Sealed with the learner's key, column `DELTA_COLUMN`, row `delta_row(...)`."""


LiveNews = LiveTurn | LiveDelta
"""Everything that is told."""

DELTA_COLUMN = "live.delta"
"""What a piece is sealed as; no table has such a column."""


def delta_row(simulation_id: UUID, seq: int, attempt: int, index: int) -> bytes:
    """Return the row bytes that a piece is sealed with: moved elsewhere it does not open."""
    return simulation_id.bytes + b"".join(
        number.to_bytes(4, "big") for number in (seq, attempt, index)
    )
