"""What the customer shows: feelings, hardship, questions, and what tests the patience of an agent.

These are the occasions of the indicators.
"""

import re
from enum import StrEnum
from functools import lru_cache

from services.scoring_worker.judging.phrases import PHRASES, either
from services.scoring_worker.judging.words import fold, topics
from shared.contracts.base import Record
from shared.contracts.dialogue import Act, TurnAnalysis
from shared.dialogue.valence import customer_valence


class Feeling(StrEnum):
    """Families of feelings that call for an acknowledgment; advice words its suggestion by them."""

    ANGER = "anger"
    WORRY = "worry"
    SADNESS = "sadness"
    CONFUSION = "confusion"
    SHAME = "shame"
    DISTRUST = "distrust"
    STRAIN = "strain"
    HARDSHIP = "hardship"


NEGATED, REPEATED = either(PHRASES.negated), either(PHRASES.repeated)
SETTLED = either(PHRASES.settled)
REFUSED, ASKS = either(PHRASES.refused), either(PHRASES.asks)
SHOUTED = re.compile(r"\b[A-Z]{4,}\b.*\b[A-Z]{4,}\b|!{2,}")
"""Two words in capitals, or doubled exclamation marks."""

NEGATION_CHARS = 30
"""How far before a feeling word a negation is looked for: `no longer` plus one long word."""

BITTER = -60
"""Valence (-100..100) that takes at least two bitter words more than friendly ones."""

_FEELINGS = tuple(
    (Feeling(family), re.compile(rf"\b(?:{either(words).pattern})"))
    for family, words in PHRASES.feelings.items()
)


class CustomerCues(Record, frozen=True, kw_only=True):
    """What one customer turn shows."""

    feeling: Feeling | None
    start: int
    """Span of the words that show the feeling; `start == end == 0` without one."""
    end: int
    asks: bool
    substantial: bool
    """At least three words that carry a topic: there is something to listen to."""
    settled: bool
    """Thanks or agrees and leaves nothing open: nothing more is owed in the answer."""
    tests_patience: bool
    """Repeats, refuses, is confused, insults, threatens, shouts or is angry."""


@lru_cache(maxsize=4096)
def find_feeling(text: str) -> tuple[Feeling, int, int] | None:
    """Return the first feeling that is not negated, with the span of its words."""
    folded = fold(text)
    for feeling, words in _FEELINGS:
        for match in words.finditer(folded):
            before = folded[max(0, match.start() - NEGATION_CHARS) : match.start()]
            if not NEGATED.search(before):
                return feeling, match.start(), match.end()
    return None


def read_customer(text: str, analysis: TurnAnalysis) -> CustomerCues:
    """Return the cues of one customer turn."""
    found = find_feeling(text)
    feeling, start, end = found or (None, 0, 0)
    if feeling is None:
        feeling, start, end = _implied_feeling(text, analysis)
    asks = bool(ASKS.search(fold(text)))
    tests_patience = _tests_patience(text, feeling, analysis)
    return CustomerCues(
        feeling=feeling,
        start=start,
        end=end,
        asks=asks,
        substantial=len(topics(text)) >= 3,
        settled=feeling is None
        and not asks
        and not tests_patience
        and SETTLED.search(fold(text)) is not None,
        tests_patience=tests_patience,
    )


def _implied_feeling(text: str, analysis: TurnAnalysis) -> tuple[Feeling | None, int, int]:
    """Find a feeling without a name: shouting, insults, threats, repetition, bitter words."""
    if SHOUTED.search(text) or analysis.has(Act.INSULT) or analysis.has(Act.THREATEN):
        return Feeling.ANGER, 0, len(text)
    again = REPEATED.search(fold(text))
    if again is not None:
        return Feeling.STRAIN, again.start(), again.end()
    bitter = customer_valence(text) <= BITTER
    return (Feeling.STRAIN, 0, len(text)) if bitter else (None, 0, 0)


def _tests_patience(text: str, feeling: Feeling | None, analysis: TurnAnalysis) -> bool:
    return (
        feeling in {Feeling.ANGER, Feeling.CONFUSION, Feeling.DISTRUST}
        or (feeling is not Feeling.SHAME and analysis.has(Act.INSULT))
        or analysis.has(Act.THREATEN)
        or REPEATED.search(fold(text)) is not None
        or REFUSED.search(fold(text)) is not None
    )
