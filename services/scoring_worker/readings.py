"""What a simulation in another language remembers of itself: how each turn was read or chosen."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import msgspec

from shared.contracts.base import Record
from shared.contracts.scoring import TranscriptTurn
from shared.db.sealed import SealKey, turn_row
from shared.rendering.records import APPRAISAL_COLUMN, Appraisal, Rendering, Segment

UNREAD = "..."
"""The English of a turn that nobody read: the conversation ended before its reply."""

_APPRAISAL = msgspec.json.Decoder(Appraisal)


class Both(Record, frozen=True, kw_only=True):
    """A turn as it was said and as it is judged: without what nobody can see."""

    said: TranscriptTurn
    judged: TranscriptTurn


def known_readings(
    key: SealKey,
    simulation_id: UUID,
    rows: Sequence[asyncpg.Record],
    turns: Sequence[Both],
    opening: str,
) -> dict[str, Rendering]:
    """Return the English of every turn by its id, as the engine read or chose it.

    Args:
        key: the learner's.
        simulation_id: whose turns.
        rows: the stored turns, in order.
        turns: the same.
        opening: the first line in English.
    """
    found = {turn.judged.id: _whole(turn, UNREAD) for turn in turns}
    by_seq = {row["seq"]: turn for row, turn in zip(rows, turns, strict=True)}
    if 0 in by_seq:
        found[by_seq[0].judged.id] = _whole(by_seq[0], opening)
    for row in rows:
        if row["appraisal"] is None:
            continue
        place = turn_row(simulation_id, row["seq"])
        appraisal = _APPRAISAL.decode(key.open(row["appraisal"], APPRAISAL_COLUMN, place))
        learner, reply = by_seq[row["seq"] - 1], by_seq[row["seq"]]
        found[learner.judged.id] = _fitting(learner, appraisal.rendering)
        found[reply.judged.id] = _whole(reply, appraisal.draft)
    return found


def _fitting(turn: Both, rendering: Rendering) -> Rendering:
    """Return a rendering that fits the judged text; in one piece where that was cleaned."""
    if turn.said.text == turn.judged.text:
        return rendering
    return _whole(turn, rendering.english)


def _whole(turn: Both, english: str) -> Rendering:
    return Rendering(segments=(Segment(start=0, end=len(turn.judged.text), english=english),))
