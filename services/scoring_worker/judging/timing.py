"""What the clock says: handle time, response latency, pace; None without timings."""

from collections.abc import Sequence
from itertools import pairwise
from math import ceil
from typing import NamedTuple

from services.scoring_worker.judging.reading import Reading
from shared.contracts.scoring import TranscriptTurn

_MS = 1000
_MINUTE_MS = 60_000
_P90 = 0.9


class Latency(NamedTuple):
    """Seconds from the customer's end to the agent's start."""

    median: float | None
    p90: float | None


def handle_time_s(reading: Reading) -> float | None:
    """Return last end minus first start; a turn without an end counts with its start.

    Timings that all say the same moment were made afterward and say nothing.
    """
    turns = [turn.turn for turn in reading.turns]
    starts = [turn.start_ms for turn in turns if turn.start_ms is not None]
    ends = [turn.end_ms for turn in turns if turn.end_ms is not None]
    if not starts:
        return None
    first, last = min(starts), max(starts + ends)
    if last == first and len(turns) > 1:
        return None
    return max(0, last - first) / _MS


def latencies_s(reading: Reading) -> Latency:
    """Return median and 90th percentile (nearest rank) of the answers' latencies.

    An answer that starts before the customer has ended counts as 0.
    """
    if handle_time_s(reading) is None:
        return Latency(None, None)
    turns = [turn.turn for turn in reading.turns]
    gaps = sorted(
        max(0, after.start_ms - end)
        for before, after in pairwise(turns)
        if before.role == "customer" and after.role == "agent"
        if after.start_ms is not None and (end := _end(before)) is not None
    )
    if not gaps:
        return Latency(None, None)
    return Latency(_median(gaps) / _MS, gaps[ceil(_P90 * len(gaps)) - 1] / _MS)


def words_per_minute(reading: Reading) -> float | None:
    """Return the agent's words per minute over the turns whose length is known."""
    words = time = 0
    for turn in reading.turns:
        start, end = turn.turn.start_ms, turn.turn.end_ms
        if turn.turn.role == "agent" and start is not None and end is not None and end > start:
            words += turn.raw.words
            time += end - start
    return round(words * _MINUTE_MS / time, 1) if time else None


def _end(turn: TranscriptTurn) -> int | None:
    return turn.start_ms if turn.end_ms is None else turn.end_ms


def _median(values: Sequence[int]) -> float:
    """Return the middle of sorted values, the mean of two where there is none."""
    half = len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2
