"""Patience: occasions are exchanges whose customer repeats, refuses, is confused, angry or rude."""

from services.scoring_worker.judging.detectors.counting import (
    ACKNOWLEDGING,
    FIXING,
    Detector,
    act_finder,
    bad_act,
    harsh,
    per_exchange,
)
from services.scoring_worker.judging.finding import Finding
from services.scoring_worker.judging.reading import Exchange, Reading, ReadTurn, opening_sentence
from services.scoring_worker.judging.words import Span
from shared.contracts.dialogue import Act

CURT_WORDS = 5
"""An answer to a customer under strain with fewer words than this reads as a door closing."""

_HELPFUL = (
    ACKNOWLEDGING
    | FIXING
    | {
        Act.EXPLAIN,
        Act.REASSURE,
        Act.OPEN_QUESTION,
        Act.PARAPHRASE,
        Act.APOLOGIZE,
        Act.TAKE_OWNERSHIP,
    }
)
_ROOM = frozenset({Act.EXPLAIN, Act.CHECK_UNDERSTANDING, Act.REASSURE, Act.OPEN_QUESTION})


def _tested(reading: Reading) -> tuple[Exchange, ...]:
    return tuple(item for item in reading.exchanges if item.shows("tests_patience"))


def stays_helpful(reading: Reading) -> Finding:
    """Under strain the answer still moves something forward, and nothing in it bites back."""
    helpful = act_finder(_HELPFUL)
    return per_exchange(_tested(reading), lambda turn: None if harsh(turn) else helpful(turn))


def gives_room(reading: Reading) -> Finding:
    """Under strain the answer explains again, asks, or takes the hurry out."""
    room = act_finder(_ROOM)
    return per_exchange(_tested(reading), lambda turn: None if harsh(turn) else room(turn))


def accepts_the_heat(reading: Reading) -> Finding:
    """Under strain the answer accepts the feeling or says back the point."""
    accept = act_finder(ACKNOWLEDGING | {Act.PARAPHRASE, Act.APOLOGIZE})
    return per_exchange(_tested(reading), lambda turn: None if harsh(turn) else accept(turn))


def curt_replies(reading: Reading) -> Finding:
    """The answer to a customer under strain is a handful of words."""
    short = {
        turn.index
        for exchange in _tested(reading)
        if sum(turn.raw.words for turn in exchange.agent) < CURT_WORDS
        for turn in exchange.agent
    }
    return per_exchange(
        _tested(reading), lambda turn: _whole(turn) if turn.index in short else None
    )


def _whole(turn: ReadTurn) -> Span | None:
    return opening_sentence(turn) if turn.counts else None


PATIENCE: dict[str, Detector] = {
    "stays_helpful": stays_helpful,
    "gives_room": gives_room,
    "accepts_the_heat": accepts_the_heat,
    "curt_replies": curt_replies,
    "reproaches": bad_act(Act.REPROACH),
    "rushes": bad_act(Act.RUSH),
}
"""Indicator key and its detector."""
