"""How the customer's words moved: from the first turns to the last, and back from the lowest."""

from collections.abc import Sequence

from services.scoring_worker.judging.customer import CustomerCues, Feeling
from services.scoring_worker.judging.reading import Reading
from shared.contracts.scoring import Arc
from shared.dialogue.valence import customer_valence

EDGE = 3
"""Turns at each end whose mean counts; with fewer than six turns, half of them."""

MIN_TURNS = 2
"""One turn moves nowhere."""

_FELT = {
    Feeling.ANGER: -60,
    Feeling.DISTRUST: -40,
    Feeling.SADNESS: -40,
    Feeling.SHAME: -30,
    Feeling.STRAIN: -40,
    Feeling.WORRY: -40,
    Feeling.CONFUSION: -30,
    Feeling.HARDSHIP: -20,
}
"""Valence of a turn by the feeling that it shows."""

_SETTLED = 40
"""Valence of a turn in which the customer thanks or agrees and leaves nothing open."""


def valence(text: str, cues: CustomerCues) -> int:
    """Return -100 (hostile or distressed) to 100 (warm), from words alone."""
    if cues.feeling is not None:
        return _FELT[cues.feeling]
    return _SETTLED if cues.settled else customer_valence(text)


def arc(reading: Reading) -> Arc | None:
    """Return the customer's arc; None under two customer turns."""
    levels = [valence(turn.turn.text, turn.cues) for turn in reading.turns if turn.cues is not None]
    if len(levels) < MIN_TURNS:
        return None
    edge = min(EDGE, len(levels) // 2)
    start, end = _mean(levels[:edge]), _mean(levels[-edge:])
    return Arc(
        start=start,
        end=end,
        change=end - start,
        lowest=min(levels),
        turns_to_half_peak=_turns_to_half(levels),
    )


def _turns_to_half(levels: Sequence[int]) -> int | None:
    """Return the turns from the first lowest point until half of it is gone; None if never."""
    lowest = min(levels)
    if lowest >= 0:
        return None
    at = levels.index(lowest)
    after = (place for place, level in enumerate(levels[at:]) if 2 * level >= lowest)
    return next(after, None)


def _mean(levels: Sequence[int]) -> int:
    """Return the mean, rounded half away from zero."""
    total = sum(levels)
    size = (2 * abs(total) + len(levels)) // (2 * len(levels))
    return size if total >= 0 else -size
