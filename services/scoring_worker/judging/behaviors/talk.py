"""Features of talk: what a turn does, and how it relates to what was heard just before.

Every number is bounded, mostly 0 to 1: flags, shares, logarithms, and counts n as n / (n + 1).
What each name means is told in `talk_features.yaml`.
"""

from collections.abc import Mapping, Sequence
from math import log1p

from services.scoring_worker.judging.behaviors.talk_asking import sat, sentence_features
from services.scoring_worker.judging.behaviors.talk_echo import echo_features, stems
from services.scoring_worker.judging.behaviors.talk_phrases import DOCS, HEARD, MOVES, WORDS
from services.scoring_worker.judging.behaviors.talk_whole import conversation_features
from services.scoring_worker.judging.behaviors.utterance import Utterance

__all__ = ["CONVERSATION_FEATURES", "TALK_FEATURES", "conversation_features", "talk_features"]

TALK_FEATURES: dict[str, str] = DOCS.talk
"""Name -> meaning, of every feature of a turn."""

CONVERSATION_FEATURES: dict[str, str] = DOCS.conversation
"""Name -> meaning, of every feature of a whole conversation."""

_MOVES = tuple(f"t:{name}" for name in MOVES.names)
_HEARD = tuple(f"t:{name}" for name in HEARD.names)
_FEW = 3
"""Words up to which a turn is short."""
_DENSE = 5
"""A fifth of the words is as much as counts for speaking of oneself or of the other side."""
_LOG = 5
"""Divides logarithms of word counts: 150 words make 1."""
_TOPIC = 5
"""Letters from which a word of the own turn before counts as a topic."""
_ME, _YOU = frozenset(WORDS.me.split()), frozenset(WORDS.you.split())
_LISTENING = frozenset(WORDS.listening.split())
_WARM, _SAD = frozenset(WORDS.warm.split()), frozenset(WORDS.sad.split())
_MINIMAL = frozenset(WORDS.minimal.split())


def talk_features(u: Utterance) -> dict[str, float]:
    """Return the features of a turn that are not zero, by name (prefix `t:`)."""
    tokens = u.tokens
    words = [token for token in tokens if token[0].isalnum()]
    if not words:
        return {}
    said = [token for token in u.heard_tokens if token[0].isalnum()]
    heard = frozenset(stems(said))
    found = {
        _MOVES[number]: sat(count) for number, count in enumerate(MOVES.count(tokens)) if count
    }
    found |= _persons(tokens)
    found |= _size(words, said)
    found |= sentence_features(tokens, heard)
    found |= _place(u)
    if said:
        found |= _reaction(u.heard_tokens)
        found |= echo_features(u, words, said, heard)
        found |= _mood(frozenset(said), found)
    return found


def _persons(tokens: Sequence[str]) -> dict[str, float]:
    mine = [position for position, token in enumerate(tokens) if token in _ME]
    yours = len([token for token in tokens if token in _YOU])
    found: dict[str, float] = {}
    if mine:
        found["t:self_words"] = min(1.0, len(mine) / len(tokens) * _DENSE)
        if told := sum(_tells(tokens, position) for position in mine):
            found["t:self_told"] = sat(told)
        if len(mine) > yours:
            found["t:self_over_you"] = 1.0
    if yours:
        found["t:you_words"] = min(1.0, yours / len(tokens) * _DENSE)
    return found


def _tells(tokens: Sequence[str], position: int) -> bool:
    """Say whether a word for oneself tells something about oneself."""
    token = tokens[position]
    following = tokens[position + 1 : position + 2]
    return token != "me" and not (token == "i" and _LISTENING.issuperset(following))


def _size(words: Sequence[str], said: Sequence[str]) -> dict[str, float]:
    length = log1p(len(words)) / _LOG
    found = {"t:length": length}
    if len(words) <= _FEW:
        found["t:short"] = 1.0
    if _MINIMAL.issuperset(words):
        found["t:minimal"] = 1.0
    if said:
        found["t:heard_length"] = log1p(len(said)) / _LOG
        found["t:balance"] = length - found["t:heard_length"]
        if len(said) <= _FEW:
            found["t:heard_short"] = 1.0
    return found


def _place(u: Utterance) -> dict[str, float]:
    found: dict[str, float] = {}
    if u.of > 1:
        found["t:position"] = (u.number + 1) / u.of
        if u.number == 0:
            found["t:first"] = 1.0
    if u.before:
        found |= _again(frozenset(u.text.lower().split()), frozenset(u.before.lower().split()))
    return found


def _again(words: frozenset[str], before: frozenset[str]) -> dict[str, float]:
    shared = words & before
    if not shared:
        return {}
    both = words | before
    found = {"t:again": len(shared) / len(both)}
    if topics := len([word for word in shared if len(word) >= _TOPIC]):
        found["t:again_topics"] = topics / len([word for word in both if len(word) >= _TOPIC])
    return found


def _reaction(heard_tokens: Sequence[str]) -> dict[str, float]:
    counts = HEARD.count(heard_tokens)
    found = {_HEARD[number]: 1.0 for number, count in enumerate(counts) if count}
    if heard_tokens[-1] == "?":
        found["t:heard_asks"] = 1.0
    return found


def _mood(heard: frozenset[str], found: Mapping[str, float]) -> dict[str, float]:
    """Say whether the turn meets the mood of what was heard."""
    lean = len(heard & _WARM) - len(heard & _SAD)
    if lean == 0:
        return {}
    sorry = "t:sorry_for" in found or "t:sees_hardship" in found
    glad = "t:rejoices" in found or "t:praises" in found
    mood = "warm" if lean > 0 else "sad"
    flags = {
        f"t:heard_{mood}": True,
        "t:meets_sad": mood == "sad" and sorry,
        "t:glad_at_sad": mood == "sad" and glad and not sorry,
        "t:meets_warm": mood == "warm" and glad,
        "t:sorry_at_warm": mood == "warm" and sorry,
    }
    return {name: 1.0 for name, holds in flags.items() if holds}
