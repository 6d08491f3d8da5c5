"""Says what an act is about, as far as its words show it."""

import msgspec

from shared.contracts.dialogue import Act, ActSpan, Topic
from shared.dialogue.lexicon import LEXICON, TOPIC_STEM
from shared.dialogue.sentence import Sentence
from shared.dialogue.spelling import FIGURE

_ABOUT = {
    Act.ACKNOWLEDGE_FEELING: Topic.FEELING,
    Act.VERIFY_IDENTITY: Topic.IDENTITY,
    Act.HAND_OVER: Topic.PEOPLE,
    Act.INSULT: Topic.PEOPLE,
}
"""Acts that are about one thing by their nature."""
_FALLBACK = {
    Act.CITE_POLICY: Topic.RULES,
    Act.CONCEDE: Topic.MONEY,
    Act.GIVE_AWAY: Topic.MONEY,
    Act.UPSELL: Topic.PRODUCT,
}
"""What an act is about when its words show nothing."""
_UNTOLD = frozenset(
    {
        *(Act.GREET, Act.THANK, Act.CLOSE, Act.HOLD, Act.STOCK_EMPATHY, Act.JARGON),
        *(Act.CHECK_UNDERSTANDING, Act.INTERRUPT, Act.SARCASM, Act.PRAISE),
    }
)
"""Acts whose words seldom name a matter."""

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
        for topic in (_topic(span, words),)
    ]


def _topic_words(sentence: Sentence) -> Words:
    topics = LEXICON.topics
    found: Words = []
    for (position, _), word in zip(sentence.tokens, sentence.words, strict=True):
        if word == FIGURE:
            if sentence.folded[position - 1 : position] in {"$", "€", "£"}:
                found.append((position, Topic.MONEY))
            continue
        topic = topics.get(word[:TOPIC_STEM])
        if topic is not None:
            found.append((position, topic))
    return found


def _topic(span: ActSpan, words: Words) -> Topic | None:
    if span.act in _ABOUT:
        return _ABOUT[span.act]
    if span.act in _UNTOLD:
        return None
    inside = [topic for position, topic in words if span.start <= position < span.end]
    named = inside or [topic for _, topic in words]
    return max(named, key=named.count) if named else _FALLBACK.get(span.act)
