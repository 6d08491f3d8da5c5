"""Clarity: occasions are the answers of the agent, once the customer has said something."""

from services.scoring_worker.judging.detectors.counting import (
    Detector,
    act_finder,
    per_exchange,
    per_turn,
    widen,
)
from services.scoring_worker.judging.finding import Finding
from services.scoring_worker.judging.phrases import PHRASES, either
from services.scoring_worker.judging.reading import Exchange, Reading, ReadTurn
from services.scoring_worker.judging.words import Span, count_words, fold, sentences
from shared.contracts.dialogue import Act

LONG_SENTENCE_WORDS = 35
"""A spoken sentence beyond this length has to be heard twice."""

LONG_TURN_WORDS = 110
"""More than about 45 seconds of speech without giving the customer a turn."""

COMMITMENT = either(PHRASES.commitment)
VAGUE, GLOSS = either(PHRASES.vague), either(PHRASES.gloss)


def _answers(reading: Reading) -> tuple[Exchange, ...]:
    return tuple(
        item for item in reading.exchanges if item.shows("substantial") or item.shows("asks")
    )


def gives_next_step(reading: Reading) -> Finding:
    """The answer says what happens next."""
    return per_exchange(_answers(reading), act_finder(frozenset({Act.NEXT_STEP})))


def explains(reading: Reading) -> Finding:
    """The answer gives a reason or explains how something works; owed where something is asked."""
    found = per_exchange(reading.exchanges, act_finder(frozenset({Act.EXPLAIN})))
    asked = {turn.index for item in _answers(reading) if item.shows("asks") for turn in item.agent}
    return Finding(
        observations=tuple(seen for seen in found.observations if seen.hit or seen.agent in asked)
    )


def names_who_and_when(reading: Reading) -> Finding:
    """The answer says who does something, and when."""
    return per_exchange(_answers(reading), _commitment)


def _commitment(turn: ReadTurn) -> Span | None:
    match = COMMITMENT.search(fold(turn.seen))
    return None if match is None else widen(turn, match.start(), match.end())


def confirms_shared_view(reading: Reading) -> Finding:
    """The answer sums up, or asks whether it was clear."""
    acts = frozenset({Act.RECAP, Act.CHECK_UNDERSTANDING, Act.PARAPHRASE})
    return per_exchange(_answers(reading), act_finder(acts))


def unexplained_jargon(reading: Reading) -> Finding:
    """A term of the trade stays unexplained in its sentence and the next."""
    return per_turn(reading, _jargon)


def _jargon(turn: ReadTurn) -> Span | None:
    text = fold(turn.turn.text)
    for span in turn.raw.acts:
        if span.act is Act.JARGON and not GLOSS.search(text, span.start, span.end + 120):
            return widen(turn, span.start, span.end)
    return None


def wall_of_text(reading: Reading) -> Finding:
    """A sentence or a turn is too long to be taken in by ear."""
    return per_turn(reading, _too_long)


def _too_long(turn: ReadTurn) -> Span | None:
    text = turn.turn.text
    for span in sentences(text):
        if count_words(text[span.start : span.end]) > LONG_SENTENCE_WORDS:
            return span
    parts = sentences(text)
    too_long = parts and count_words(text) > LONG_TURN_WORDS
    return Span(parts[0].start, parts[-1].end) if too_long else None


def vague_answer(reading: Reading) -> Finding:
    """The answer leaves the customer with nothing to hold on to."""
    return per_turn(reading, _vague)


def _vague(turn: ReadTurn) -> Span | None:
    match = VAGUE.search(fold(turn.turn.text))
    if match is None or COMMITMENT.search(fold(turn.seen)):
        return None
    return widen(turn, match.start(), match.end())


CLARITY: dict[str, Detector] = {
    "gives_next_step": gives_next_step,
    "explains": explains,
    "names_who_and_when": names_who_and_when,
    "confirms_shared_view": confirms_shared_view,
    "unexplained_jargon": unexplained_jargon,
    "wall_of_text": wall_of_text,
    "vague_answer": vague_answer,
}
"""Indicator key and its detector."""
