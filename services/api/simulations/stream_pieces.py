"""Pieces of a reply on their way to a reader: provisional, in one try at a time."""

from collections.abc import Iterator
from uuid import UUID

from services.api.simulations.stream_schemas import TurnDelta, TurnReset
from services.api.streams.sse import encode_event
from shared.contracts.live import DELTA_COLUMN, LiveDelta, delta_row
from shared.db.sealed import SealKey, UnsealError


class Pieces:
    """Opens pieces, and says when those of an earlier try no longer count."""

    def __init__(self, simulation_id: UUID) -> None:
        self._simulation_id = simulation_id
        self._seq = 0
        self._attempt = 0

    def tell(self, delta: LiveDelta, key: SealKey) -> Iterator[bytes]:
        """Yield the events that a piece is worth; none for one of an earlier try."""
        is_same_turn = delta.seq == self._seq
        if is_same_turn and delta.attempt < self._attempt:
            return
        row = delta_row(self._simulation_id, delta.seq, delta.attempt, delta.index)
        try:
            text = key.open_text(delta.text, DELTA_COLUMN, row)
        except UnsealError:
            return
        if is_same_turn and delta.attempt > self._attempt:
            yield encode_event("turn.reset", TurnReset(seq=delta.seq, attempt=delta.attempt))
        self._seq, self._attempt = delta.seq, delta.attempt
        piece = TurnDelta(seq=delta.seq, attempt=delta.attempt, index=delta.index, text=text)
        yield encode_event("turn.delta", piece)
