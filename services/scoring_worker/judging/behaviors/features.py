"""What the models see of one turn: words, pairs of words, acts, style, relation to what was heard.

A feature's name says where it comes from: `w:` a word, `b:` two words in a row (`^` is the start
of a sentence), `a:` an act of the analyzer, `l:` the load of long words, `s:` style, `t:` the talk
around it, `c:` the conversation as a whole. Words and pairs are unit vectors each, so that a long
turn weighs no more than a short one; the others are shares, flags or logarithms of about 0 to 1.
"""

from collections.abc import Sequence
from math import sqrt

from services.scoring_worker.judging.behaviors.style import style_features
from services.scoring_worker.judging.behaviors.talk import conversation_features, talk_features
from services.scoring_worker.judging.behaviors.utterance import Utterance

START = "^"
_ENDS = frozenset({".", "?", "!", "..."})
_LONG = 7
"""Letters from which a word counts as long."""
_SILENT = frozenset({".", ",", "...", ":", ";", '"', "(", ")", "-"})
"""Marks that are no feature: whoever types without them means the same."""


def features(utterance: Utterance) -> dict[str, float]:
    """Return the features of one turn that are not zero, by name."""
    found = word_features(utterance.tokens)
    for span in utterance.analysis.acts:
        found[f"a:{span.act}"] = 1.0
    found["l:long_words"] = _long_share(utterance.tokens)
    found.update(style_features(utterance))
    found.update(talk_features(utterance))
    return found


def _long_share(tokens: Sequence[str]) -> float:
    words = [token for token in tokens if token[0].isalpha()]
    return len([word for word in words if len(word) >= _LONG]) / len(words) if words else 0.0


def word_features(tokens: Sequence[str]) -> dict[str, float]:
    """Return words and pairs of neighbors, each kind scaled to length one.

    A silent mark is no word and parts its neighbors; what ends a sentence starts the next.
    """
    words: dict[str, None] = {}
    pairs: dict[str, None] = {}
    last: str | None = START
    for word in tokens:
        if word in _SILENT:
            last = START if word in _ENDS else None
            continue
        words[f"w:{word}"] = None
        if last is not None:
            pairs[f"b:{last} {word}"] = None
        last = START if word in _ENDS else word
    found = dict.fromkeys(words, 1 / sqrt(len(words))) if words else {}
    if pairs:
        found.update(dict.fromkeys(pairs, 1 / sqrt(len(pairs))))
    return found


def whole(conversation: Sequence[Utterance]) -> dict[str, float]:
    """Return what only the conversation as a whole shows, by name."""
    return conversation_features(list(conversation))
