"""Problem solving: occasions are the answers after the customer has put a matter on the table."""

from services.scoring_worker.judging.detectors.counting import (
    FIXING,
    Detector,
    act_finder,
    harsh,
    once,
    per_exchange,
    per_turn,
    widen,
)
from services.scoring_worker.judging.finding import Finding
from services.scoring_worker.judging.phrases import PHRASES, either
from services.scoring_worker.judging.reading import Exchange, Reading, ReadTurn
from services.scoring_worker.judging.words import Span, fold, overlap, sentence_at, topics
from shared.contracts.dialogue import Act

DEAD_END = either(PHRASES.dead_end)
SAME_OFFER = 0.6
"""Jaccard index of the topics of two offers from which the second only repeats the first."""

_QUESTIONS = frozenset({Act.OPEN_QUESTION, Act.CLOSED_QUESTION})


def _matters(reading: Reading) -> tuple[Exchange, ...]:
    """Answers from the first one to a customer turn of substance on."""
    for number, exchange in enumerate(reading.exchanges):
        if exchange.shows("substantial"):
            return tuple(item for item in reading.exchanges[number:] if item.customer)
    return ()


def _first_time(reading: Reading, acts: frozenset[Act]) -> tuple[Exchange, ...]:
    """Leave out answers that only offer again what was offered before: it counts once.

    A summary repeats on purpose and stays. Answers that still find out before the first offer are
    left out as well: there a question is the better step.
    """
    known: list[frozenset[str]] = []
    kept: list[Exchange] = []
    for exchange in _after_finding_out(reading):
        said = [about for turn in exchange.agent for about in _offered(turn, acts)]
        again = [any(overlap(about, old) >= SAME_OFFER for old in known) for about in said]
        if not said or not all(again) or _does(exchange, Act.RECAP):
            kept.append(exchange)
        known += said
    return tuple(kept)


def _after_finding_out(reading: Reading) -> tuple[Exchange, ...]:
    matters = _matters(reading)
    offers = (n for n, item in enumerate(matters) if _does(item, Act.OFFER))
    first = next(offers, 0)
    told = (item for item in matters[:first] if not _does(item, Act.OPEN_QUESTION))
    return (*told, *matters[first:])


def _does(exchange: Exchange, act: Act) -> bool:
    return any(turn.analysis.has(act) for turn in exchange.agent)


def _offered(turn: ReadTurn, acts: frozenset[Act]) -> list[frozenset[str]]:
    text = turn.turn.text
    spans = (sentence_at(text, span.start) for span in turn.analysis.acts if span.act in acts)
    return [topics(text[span.start : span.end]) for span in spans]


def offers_option(reading: Reading) -> Finding:
    """The answer offers something the customer can take or choose."""
    acts = frozenset({Act.OFFER})
    offer = act_finder(acts)
    return per_exchange(
        _first_time(reading, acts), lambda turn: None if harsh(turn) else offer(turn)
    )


def moves_forward(reading: Reading) -> Finding:
    """The answer takes, announces or offers a concrete step."""
    step = act_finder(FIXING)
    return per_exchange(
        _first_time(reading, FIXING), lambda turn: None if harsh(turn) else step(turn)
    )


def asks_before_fixing(reading: Reading) -> Finding:
    """The agent asks about the matter no later than the turn of the first offer."""
    turns = [turn for exchange in _matters(reading) for turn in exchange.agent if turn.counts]
    fixes = [number for number, turn in enumerate(turns) if turn.analysis.has(Act.OFFER)]
    until = fixes[0] + 1 if fixes else len(turns)
    return once(turns[:until], act_finder(_QUESTIONS))


def confirms_outcome(reading: Reading) -> Finding:
    """The last third of the conversation sums up what was agreed, or checks that it helps."""
    turns = [turn for exchange in _matters(reading) for turn in exchange.agent if turn.counts]
    acts = frozenset({Act.RECAP, Act.CHECK_UNDERSTANDING})
    return once(turns[len(turns) * 2 // 3 :], act_finder(acts), late=True)


def dead_end(reading: Reading) -> Finding:
    """The agent says that nothing can be done, and offers no other way in that turn."""
    return per_turn(reading, _stuck)


def _stuck(turn: ReadTurn) -> Span | None:
    match = DEAD_END.search(fold(turn.turn.text))
    if match is None or turn.analysis.has(Act.OFFER):
        return None
    return widen(turn, match.start(), match.end())


def policy_wall(reading: Reading) -> Finding:
    """A rule is cited without a reason and without another way."""
    return per_turn(reading, _wall)


def _wall(turn: ReadTurn) -> Span | None:
    if turn.first(FIXING | {Act.EXPLAIN}) is not None:
        return None
    return act_finder(frozenset({Act.CITE_POLICY}), bad=True)(turn)


SOLVING: dict[str, Detector] = {
    "offers_option": offers_option,
    "moves_forward": moves_forward,
    "asks_before_fixing": asks_before_fixing,
    "confirms_outcome": confirms_outcome,
    "dead_end": dead_end,
    "policy_wall": policy_wall,
}
"""Indicator key and its detector."""
