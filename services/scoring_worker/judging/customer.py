"""What the customer shows: feelings, hardship, questions, and what tests the patience of an agent.

These are the occasions of the indicators.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache

from services.scoring_worker.judging.phrases import PHRASES, either
from services.scoring_worker.judging.words import fold, sentences, topics
from shared.contracts.base import Record
from shared.contracts.dialogue import Act, TurnAnalysis
from shared.dialogue.analyzer import analyze
from shared.dialogue.lexicon import LEXICON, Choice
from shared.dialogue.segments import TOKEN
from shared.dialogue.spelling import canonical_words
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

_HURTS = frozenset({Act.INSULT, Act.THREATEN})

BITTER = -60
"""Valence (-100..100) that takes at least two bitter words more than friendly ones."""

_FEELINGS = tuple(
    (Feeling(family), re.compile(rf"\b(?:{either(words).pattern})"))
    for family, words in PHRASES.feelings.items()
)
_ANY_FEELING = re.compile(
    rf"\b(?:{'|'.join(either(words).pattern for words in PHRASES.feelings.values())})"
)
"""Where the first word of any family stands: in most turns there is none."""


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
    first = _ANY_FEELING.search(folded)
    if first is None:
        return None
    for feeling, words in _FEELINGS:
        for match in words.finditer(folded, first.start()):
            before = folded[max(0, match.start() - NEGATION_CHARS) : match.start()]
            if not NEGATED.search(before):
                return feeling, match.start(), match.end()
    return None


def analyze_customer(text: str) -> TurnAnalysis:
    """Return what the judge looks for in a customer turn: its words, insults and threats.

    A turn without a phrase of these two comes back without any act and question: nothing else that
    a customer does is judged, and to find it would cost as much as reading an agent turn.
    """
    folded, parts = fold(text), sentences(text)
    count = 0
    for start, end in parts:
        words = canonical_words(TOKEN.findall(folded, start, end))
        count += len(words)
        if _may_hurt(words):
            return analyze(text)
    return TurnAnalysis(acts=(), words=count, sentences=len(parts), questions=0)


_Needed = tuple[frozenset[str] | None, ...]
"""For each phrase the words of which its sentence must hold one (None: any will do)."""


def _may_hurt(words: list[str]) -> bool:
    """Say whether an insult or a threat may stand in a sentence of these words."""
    held: frozenset[str] | None = None
    for index, word in enumerate(words):
        hurting = _hurting(word)
        if hurting is None:
            continue
        by_next, always = hurting
        following = words[index + 1] if index + 1 < len(words) else ""
        held = held or frozenset(words)
        for needed in by_next.get(following, always):
            if needed is None or not held.isdisjoint(needed):
                return True
    return False


@lru_cache(maxsize=16384)
def _hurting(word: str) -> tuple[Mapping[str, _Needed], _Needed] | None:
    """Return the insults and threats that begin with a word, by the next one, and before others."""
    follow = LEXICON.acts.get(word)
    if follow is None:
        return None
    by_next, always = follow.choices
    found = {following: _harsh(choice) for following, choice in by_next.items()}
    rest = _harsh(always) if always else ()
    return (found, rest) if rest or any(found.values()) else None


def _harsh(choice: Choice) -> _Needed:
    return tuple(needed for needed, _, pattern in choice.candidates if pattern.act in _HURTS)


def read_customer(text: str, analysis: TurnAnalysis) -> CustomerCues:
    """Return the cues of one customer turn."""
    folded = fold(text)
    found = find_feeling(text)
    repeated = REPEATED.search(folded)
    feeling, start, end = found or _implied_feeling(text, analysis, repeated)
    asks = bool(ASKS.search(folded))
    tests_patience = repeated is not None or _tests_patience(folded, feeling, analysis)
    return CustomerCues(
        feeling=feeling,
        start=start,
        end=end,
        asks=asks,
        substantial=len(topics(text)) >= 3,
        settled=feeling is None
        and not asks
        and not tests_patience
        and SETTLED.search(folded) is not None,
        tests_patience=tests_patience,
    )


def _implied_feeling(
    text: str, analysis: TurnAnalysis, again: re.Match[str] | None
) -> tuple[Feeling | None, int, int]:
    """Find a feeling without a name: shouting, insults, threats, repetition, bitter words."""
    if SHOUTED.search(text) or analysis.has(Act.INSULT) or analysis.has(Act.THREATEN):
        return Feeling.ANGER, 0, len(text)
    if again is not None:
        return Feeling.STRAIN, again.start(), again.end()
    bitter = customer_valence(text) <= BITTER
    return (Feeling.STRAIN, 0, len(text)) if bitter else (None, 0, 0)


def _tests_patience(folded: str, feeling: Feeling | None, analysis: TurnAnalysis) -> bool:
    return (
        feeling in {Feeling.ANGER, Feeling.CONFUSION, Feeling.DISTRUST}
        or (feeling is not Feeling.SHAME and analysis.has(Act.INSULT))
        or analysis.has(Act.THREATEN)
        or REFUSED.search(folded) is not None
    )
