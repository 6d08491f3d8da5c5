"""What is told on `live.<tenant>.<simulation>` after a commit: core NATS, heard or lost."""

from datetime import datetime
from uuid import UUID

import msgspec

from shared.contracts.base import Record


class LiveTurn(Record, frozen=True, kw_only=True):
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
    hint: str | None
    """For the learner's next turn, where hints are on; derived from rules, no one's text."""
    created_at: datetime
    status: str
    """Of the simulation, after this turn."""
    end_reason: str | None
