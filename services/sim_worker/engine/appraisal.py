"""What the customer notices in one turn of the learner."""

import re
import zlib
from enum import StrEnum
from functools import lru_cache

import msgspec
from msgspec.structs import replace

from services.sim_worker.engine.rules import HOSTILE, RULES
from shared.contracts.dialogue import Act, ActSpan, Topic, TurnAnalysis
from shared.contracts.simulation import PersonaState
from shared.dialogue.analyzer import analyze
from shared.dialogue.lexicon import LEXICON
from shared.dialogue.segments import fold, word_line

MAX_MONOLOGUE_WORDS = 130
"""More than about fifty seconds of speech in one go."""
REMEMBERED_TURNS = 6
"""How many of the learner's last turns are compared for repetition."""
_SIMILAR_WORDS = 4
"""Shorter turns ("yes please") may come again without being noticed."""
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")


class Quality(StrEnum):
    """What is wrong with a turn as a whole; keys of `turns` in the rules."""

    SILENCE = "silence"
    CLIPPED = "clipped"
    GIBBERISH = "gibberish"
    REPEATED = "repeated"
    OFF_ROLE = "off_role"
    MONOLOGUE = "monologue"
    EMPTY_TURN = "empty_turn"


_NOISE = frozenset({Quality.SILENCE, Quality.GIBBERISH, Quality.REPEATED, Quality.OFF_ROLE})
"""Turns that hold nothing to answer."""
_QUESTIONS = frozenset({Act.OPEN_QUESTION, Act.CLOSED_QUESTION, Act.PROBE})


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One turn as the customer takes it in."""

    raw: str
    """As it was said; the offsets of the analysis belong to it."""
    text: str
    """Without invisible characters."""
    line: str
    """The words of the text between single spaces, in lower case."""
    asked: str
    """The same for the questions alone; all of `line` when nothing is asked."""
    analysis: TurnAnalysis
    strengths: dict[Act, int]
    """The strongest example of each act, in order of appearance."""
    topics: dict[Act, Topic]
    """What each act is about, where its words show it."""
    quality: Quality | None
    fingerprint: int

    @property
    def is_hostile(self) -> bool:
        """Say whether the turn holds an act that hurts on purpose or in effect."""
        return not HOSTILE.isdisjoint(self.strengths)

    @property
    def is_noise(self) -> bool:
        """Say whether nothing in the turn can be answered."""
        return self.quality in _NOISE

    @property
    def sells(self) -> bool:
        """Say whether the learner clearly brings up something to buy."""
        return self.strengths.get(Act.UPSELL, 0) >= 2

    def has(self, *acts: Act) -> bool:
        """Say whether the turn holds any of these acts."""
        return not self.strengths.keys().isdisjoint(acts)


def appraise(
    state: PersonaState, text: str, *, previous_customer: str, also: tuple[ActSpan, ...] = ()
) -> Reading:
    """Read one learner turn; any text is allowed.

    `also` are acts that somebody else named over the same text; each counts where the analyzer
    found nothing.
    """
    analysis = _joined(_analyzed(text, previous_customer), also)
    strengths: dict[Act, int] = {}
    topics: dict[Act, Topic] = {}
    for span in analysis.acts:
        strengths[span.act] = max(span.strength, strengths.get(span.act, 0))
        if span.topic is not None:
            topics.setdefault(span.act, span.topic)
    cleaned = text if text.isascii() else _INVISIBLE.sub("", text)
    line = word_line(cleaned)
    words = line.split()
    fingerprint = zlib.crc32(line.encode("utf-8", "replace"))
    return Reading(
        raw=text,
        text=cleaned,
        line=line,
        asked=_asked(text, analysis.acts) or line,
        analysis=analysis,
        strengths=strengths,
        topics=topics,
        quality=_quality(state, cleaned, words, analysis.acts, fingerprint),
        fingerprint=fingerprint,
    )


@lru_cache(maxsize=1024)  # scripted learners say the same in many conversations of a batch
def _analyzed(text: str, previous_customer: str) -> TurnAnalysis:
    return analyze(text, previous_customer=previous_customer)


def _joined(analysis: TurnAnalysis, also: tuple[ActSpan, ...]) -> TurnAnalysis:
    found = analysis.acts
    alone = [x for x in also if not any(y.start < x.end and x.start < y.end for y in found)]
    if not alone:
        return analysis
    acts = sorted((*found, *alone), key=lambda span: (span.start, span.end, span.act))
    return replace(analysis, acts=tuple(acts))


def _asked(text: str, acts: tuple[ActSpan, ...]) -> str:
    spans = [x for x in acts if x.act in _QUESTIONS]
    return word_line(" ".join(text[x.start : x.end] for x in spans)) if spans else ""


def _quality(
    state: PersonaState, text: str, words: list[str], acts: tuple[ActSpan, ...], fingerprint: int
) -> Quality | None:
    if not words:
        return Quality.SILENCE
    folded = fold(text)
    if any(phrase in folded for phrase in RULES.off_role):
        return Quality.OFF_ROLE
    if fingerprint in state.last_words and len(words) >= _SIMILAR_WORDS:
        return Quality.REPEATED
    if not acts:
        return _without_acts(words)
    return Quality.MONOLOGUE if len(words) > MAX_MONOLOGUE_WORDS else None


def _without_acts(words: list[str]) -> Quality:
    tests = (
        (_is_gibberish(words), Quality.GIBBERISH),
        (len(words) <= 2, Quality.CLIPPED),
        (len(words) > MAX_MONOLOGUE_WORDS, Quality.MONOLOGUE),
    )
    return next((quality for holds, quality in tests if holds), Quality.EMPTY_TURN)


def _is_gibberish(words: list[str]) -> bool:
    """Notice keyboard noise, one word over and over, and text without any common English word."""
    if len(words) >= 5 and len(set(words)) * 4 <= len(words):
        return True
    odd = sum(1 for word in words if len(word) > 24 or not re.search("[aeiouy0-9]", word))
    if odd * 2 > len(words):
        return True
    common = sum(1 for word in words if word in LEXICON.stopwords or len(word) <= 3)
    return len(words) >= 4 and common == 0
