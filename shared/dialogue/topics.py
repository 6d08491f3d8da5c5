"""Says what an act is about, as far as its words show it."""

from functools import lru_cache

import msgspec

from shared.contracts.dialogue import Act, ActSpan, Topic
from shared.dialogue.lexicon import LEXICON, TOPIC_STEM
from shared.dialogue.segments import TOKEN
from shared.dialogue.sentence import Sentence
from shared.dialogue.spelling import FIGURE, canonical

_ABOUT = {
    Act.ACKNOWLEDGE_FEELING: Topic.FEELING,
    Act.VERIFY_IDENTITY: Topic.IDENTITY,
    Act.HAND_OVER: Topic.PEOPLE,
    Act.INSULT: Topic.PEOPLE,
    Act.CONCEDE: Topic.MONEY,
    Act.GIVE_AWAY: Topic.MONEY,
    Act.UPSELL: Topic.PRODUCT,
    Act.RUSH: Topic.TIME,
    Act.NEXT_STEP: Topic.TIME,
}
"""Acts that are about one thing by their nature."""
_FALLBACK = {Act.CITE_POLICY: Topic.RULES}
"""What an act is about when its words show nothing."""
_TIMELY = frozenset({Act.PRESSURE, Act.REPROACH, Act.BLAME})
"""Acts that may well be about time itself, or about what was said and done."""
_UNTOLD = frozenset(
    {
        *(Act.GREET, Act.THANK, Act.CLOSE, Act.HOLD, Act.STOCK_EMPATHY, Act.JARGON),
        *(Act.CHECK_UNDERSTANDING, Act.INTERRUPT, Act.SARCASM, Act.PRAISE),
    }
)
"""Acts whose words seldom name a matter."""

_PASSING = frozenset({Topic.TIME, Topic.FEELING, Topic.HISTORY, Topic.PEOPLE})
"""Topics that nearly every sentence touches; the matter beside them says more."""

Words = list[tuple[int, Topic]]
"""The words of a sentence that show a topic, by their offsets."""


def with_topics(sentence: Sentence, spans: list[ActSpan]) -> list[ActSpan]:
    """Return the acts of a sentence with their topics."""
    if not spans:
        return spans
    words = _topic_words(sentence)
    return [
        span if topic is None else msgspec.structs.replace(span, topic=topic)
        for span in spans
        for topic in (_topic(span, words, sentence.folded),)
    ]


def _topic_words(sentence: Sentence) -> Words:
    known, folded = LEXICON.topics, sentence.folded
    found: Words = []
    for word, offset in zip(sentence.words, sentence.offsets, strict=True):
        topic = _shown(word, folded, offset) if word == FIGURE else known.get(word[:TOPIC_STEM])
        if topic is not None:
            found.append((offset, topic))
    return found


def _shown(word: str, folded: str, position: int) -> Topic | None:
    if word == FIGURE:
        return Topic.MONEY if folded[position - 1 : position] in {"$", "€", "£"} else None
    return LEXICON.topics.get(word[:TOPIC_STEM])


def _topic(span: ActSpan, words: Words, folded: str) -> Topic | None:
    if span.act in _ABOUT:
        return _ABOUT[span.act]
    if span.act in _UNTOLD:
        return None
    return _nearest(span, words) or _FALLBACK.get(span.act) or _nearest(span, _turn_words(folded))


@lru_cache(maxsize=1)  # asked for again by every act of a turn
def _turn_words(folded: str) -> Words:
    tokens = ((m.start(), canonical(m.group())) for m in TOKEN.finditer(folded))
    shown = ((position, _shown(word, folded, position)) for position, word in tokens)
    return [(position, topic) for position, topic in shown if topic is not None]


def _nearest(span: ActSpan, words: Words) -> Topic | None:
    """Return the topic of most words inside the act, else of the nearest word; matters first."""
    passing = span.act in _TIMELY
    matters = [pair for pair in words if passing or pair[1] not in _PASSING] or words
    inside = [topic for position, topic in matters if span.start <= position < span.end]
    if inside:
        return max(inside, key=inside.count)
    nearest = min(
        matters,
        key=lambda pair: min(abs(pair[0] - span.start), abs(pair[0] - span.end)),
        default=None,
    )
    return nearest[1] if nearest else None
