"""Building blocks of detectors: turn acts and spans into observations."""

from collections.abc import Callable, Iterable, Sequence

from services.scoring_worker.judging.finding import Finding, Observation
from services.scoring_worker.judging.reading import Exchange, Reading, ReadTurn, opening_sentence
from services.scoring_worker.judging.words import Span, sentence_at
from shared.contracts.dialogue import Act

ACKNOWLEDGING = frozenset({Act.ACKNOWLEDGE_FEELING, Act.ACKNOWLEDGE_IMPACT})
FIXING = frozenset({Act.OFFER, Act.NEXT_STEP})
HARSH = frozenset(
    {Act.BLAME, Act.DISMISS, Act.REPROACH, Act.INSULT, Act.THREATEN, Act.RUSH, Act.PRESSURE}
)
"""Acts that undo what is said beside them."""

Detector = Callable[[Reading], Finding]
"""Looks at a whole reading and answers one indicator."""

Find = Callable[[ReadTurn], Span | None]
"""Looks for a behavior in one agent turn."""


def act_finder(acts: frozenset[Act], *, bad: bool = False) -> Find:
    """Return a finder of the sentence that shows these acts best (bad ones: first)."""

    def find(turn: ReadTurn) -> Span | None:
        span = turn.first_bad(acts) if bad else turn.best(acts)
        return None if span is None else widen(turn, span.start, span.end)

    return find


def widen(turn: ReadTurn, start: int, end: int) -> Span:
    """Grow a span to its sentence, so that a quote reads as what was said."""
    sentence = sentence_at(turn.turn.text, start)
    return Span(min(start, sentence.start), max(end, sentence.end))


def observe(exchange: Exchange, find: Find) -> Observation:
    """Look through the agent turns of an exchange; a miss quotes the opening of the answer."""
    cause = exchange.cause
    for turn in exchange.agent:
        span = find(turn)
        if span is not None:
            return Observation(
                agent=turn.index, start=span.start, end=span.end, hit=True, customer=cause
            )
    turn = next((item for item in exchange.agent if item.counts), exchange.agent[0])
    start, end = opening_sentence(turn)
    return Observation(agent=turn.index, start=start, end=end, hit=False, customer=cause)


def per_exchange(exchanges: Iterable[Exchange], find: Find) -> Finding:
    """Return one observation for each exchange.

    After a customer who thanked or agreed nothing is owed: there only what was done counts.
    """
    seen = ((exchange, observe(exchange, find)) for exchange in exchanges)
    return Finding(
        observations=tuple(item for exchange, item in seen if item.hit or not exchange.settled)
    )


def per_turn(reading: Reading, find: Find) -> Finding:
    """Return one observation for each agent turn; misses of bad behavior are never quoted."""
    observations = []
    for turn in reading.turns:
        if turn.turn.role != "agent":
            continue
        span = find(turn)
        if span is None and not turn.counts:
            continue
        start, end = span or Span(0, 0)
        observations.append(
            Observation(
                agent=turn.index,
                start=start,
                end=end,
                hit=span is not None,
                customer=reading.heard.get(turn.index),
            )
        )
    return Finding(observations=tuple(observations))


def once(turns: Sequence[ReadTurn], find: Find, *, late: bool = False) -> Finding:
    """Return one observation for all these turns together: was it done at least once?

    A miss quotes the first turn, or with `late` the last one: where it would have had its place.
    """
    if not turns:
        return Finding(census=True)
    for turn in turns:
        span = find(turn)
        if span is not None:
            hit = Observation(agent=turn.index, start=span.start, end=span.end, hit=True)
            return Finding(observations=(hit,), census=True)
    place = turns[-1 if late else 0]
    start, end = opening_sentence(place)
    miss = Observation(agent=place.index, start=start, end=end, hit=False)
    return Finding(observations=(miss,), census=True)


def bad_act(*acts: Act) -> Detector:
    """Return a detector of bad acts: every agent turn could have held one."""
    find = act_finder(frozenset(acts), bad=True)

    def detect(reading: Reading) -> Finding:
        return per_turn(reading, find)

    return detect


def harsh(turn: ReadTurn) -> bool:
    """Say whether the turn holds an act that undoes what is said beside it."""
    return turn.first_bad(HARSH) is not None
