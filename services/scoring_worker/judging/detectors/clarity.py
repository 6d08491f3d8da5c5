"""Clarity: occasions are the answers of the agent, once the customer has said something."""

from services.scoring_worker.judging.detectors.counting import (
    Detector,
    Find,
    act,
    always,
    anywhere,
    plain,
)
from services.scoring_worker.judging.detectors.moments import Moment
from services.scoring_worker.judging.detectors.said import Said
from services.scoring_worker.judging.detectors.scene import look
from services.scoring_worker.judging.detectors.terms import GLOSS, VAGUE
from services.scoring_worker.judging.finding import Finding
from services.scoring_worker.judging.reading import Reading
from services.scoring_worker.judging.words import Span, count_words, fold, sentences
from shared.contracts.dialogue import Act

LONG_SENTENCE_WORDS = 35
"""A spoken sentence beyond this length has to be heard twice."""

LONG_TURN_WORDS = 110
"""More than about 45 seconds of speech without giving the customer a turn."""

_EXPLAINS = plain(always, act(Act.EXPLAIN))


def asked_something(moment: Moment) -> bool:
    """The customer says something real, or asks."""
    return moment.substantial or moment.asks


def explains(reading: Reading) -> Finding:
    """The answer gives a reason or explains how something works; owed where something is asked."""
    asked = {said.index for moment in look(reading).moments if moment.asks for said in moment.said}
    return Finding(
        observations=tuple(
            seen for seen in _EXPLAINS(reading).observations if seen.hit or seen.agent in asked
        )
    )


COMMITMENT = Find(lambda said: said.commitment)
"""Finds who does something, and when."""


def _jargon(said: Said) -> Span | None:
    """Look in what may earn something: code and pleas are no term of the trade."""
    if Act.JARGON not in said.acts:
        return None
    text = fold(said.text)
    for span in said.turn.analysis.acts:
        if span.act is Act.JARGON and not GLOSS.search(text, span.start, span.end + 120):
            return said.sentence(Span(span.start, span.end))
    return None


def _too_long(said: Said) -> Span | None:
    seen = said.turn.seen
    words = count_words(seen)
    if words <= LONG_SENTENCE_WORDS:
        return None
    parts = sentences(seen)
    for span in parts:
        if count_words(seen[span.start : span.end]) > LONG_SENTENCE_WORDS:
            return span
    too_long = parts and words > LONG_TURN_WORDS
    return Span(parts[0].start, parts[-1].end) if too_long else None


def _vague(said: Said) -> Span | None:
    found = said.search(VAGUE, said.text)
    return None if found is None or said.commitment is not None else found


UNEXPLAINED = Find(_jargon, frozenset({Act.JARGON}))
"""Finds a term of the trade that stays unexplained in its sentence and the next."""

CLARITY: dict[str, Detector] = {
    # The answer says what happens next.
    "gives_next_step": plain(asked_something, act(Act.NEXT_STEP)),
    "explains": explains,
    # It says who does something, and when.
    "names_who_and_when": plain(asked_something, COMMITMENT),
    # It sums up, or asks whether it was clear.
    "confirms_shared_view": plain(
        asked_something, act(Act.RECAP, Act.CHECK_UNDERSTANDING, Act.PARAPHRASE)
    ),
    # A term of the trade stays unexplained in its sentence and the next.
    "unexplained_jargon": anywhere(UNEXPLAINED),
    # A sentence or a turn is too long to be taken in by ear.
    "wall_of_text": anywhere(Find(_too_long)),
    # The answer leaves the customer with nothing to hold on to.
    "vague_answer": anywhere(Find(_vague)),
}
"""Indicator key and its detector."""
