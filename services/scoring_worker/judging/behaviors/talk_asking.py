"""What the sentences of a turn do: ask, tell, urge."""

from collections.abc import Iterable, Iterator, Sequence
from math import log1p

from services.scoring_worker.judging.behaviors.talk_echo import stem
from services.scoring_worker.judging.behaviors.talk_phrases import WORDS

ENDS = frozenset({".", "!", "?", "...", "\n", ";"})
"""Marks that close a sentence."""
_TELLS = 8
"""Words from which a statement counts as telling something."""
_SHORT = 3
"""Words up to which a question is a short one (`Why so?`)."""
_SOFT = frozenset(
    {",", ":", "-", "and", "but", "just", "so", "then", "please", "maybe", "also", "instead"}
    | {"always", "definitely", "perhaps", "next", "first", "now"}
)
"""After one of these an urging verb may stand, as at the start of a sentence."""
_QUESTION_WORDS = frozenset({"what", "how", "why", "who", "when", "where", "which"})
_AUXILIARIES = frozenset(WORDS.auxiliaries.split())
_SUBJECTS = frozenset({"you", "i", "we", "they", "he", "she", "it", "that", "this", "there"})
_TAGS = frozenset({"right", "correct", "okay", "yeah", "huh", "eh", "know"})
_READING_BACK = frozenset({"you", "so", "sounds", "seems", "it", "that", "your"})
"""First words of a statement that is more likely about the other side than news."""
_VERBS = frozenset(WORDS.urging.split())
_YOU = frozenset(WORDS.you.split())
_FEEL = frozenset({"feel", "feels", "feeling", "feelings", "felt"})


def sat(count: int) -> float:
    """Return a count as a number from 0 to 1 that grows ever slower: one half for one."""
    return count / (count + 1)


def sentence_features(tokens: Sequence[str], heard: Iterable[str]) -> dict[str, float]:
    """Return the features of the sentences; `heard` holds the stems of what was heard."""
    found: dict[str, float] = {}
    known = frozenset(heard)
    sentences = questions = telling = 0
    for sentence, mark in _sentences(tokens):
        sentences += 1
        if mark == "?":
            questions += 1
            found.update(_question(sentence, known))
        elif len(sentence) >= _TELLS and sentence[0] not in _READING_BACK:
            telling += 1
    if sentences:
        found["t:sentences"] = log1p(sentences) / 3
    if telling:
        found["t:tells"] = sat(telling)
    if urges := sum(_urges(tokens)):
        found["t:urges"] = sat(urges)
    if questions:
        found["t:asks"] = sat(questions)
        found["t:asks_share"] = questions / sentences
        found.update(_flags({"t:ends_asking": tokens[-1] == "?"}))
        found.update(_flags({"t:asks_only": questions == sentences}))
    return found


def _sentences(tokens: Sequence[str]) -> Iterator[tuple[Sequence[str], str]]:
    """Yield every sentence that is not empty, with its end mark."""
    start = 0
    for position, token in enumerate(tokens):
        if token in ENDS:
            if position > start:
                yield tokens[start:position], token
            start = position + 1
    if start < len(tokens):
        yield tokens[start:], "."


def _question(sentence: Sequence[str], heard: frozenset[str]) -> dict[str, float]:
    first = sentence[0]
    kind = first if first in _QUESTION_WORDS else "do" if first in _AUXILIARIES else "other"
    flags = {
        f"t:asks_{kind}": True,
        "t:asks_you": not _YOU.isdisjoint(sentence),
        "t:asks_short": len(sentence) <= _SHORT,
        "t:asks_tag": sentence[-1] in _TAGS,
        "t:asks_echo": bool(heard) and any(stem(token) in heard for token in sentence),
        "t:asks_feeling": not _FEEL.isdisjoint(sentence),
    }
    return _flags(flags)


def _flags(flags: dict[str, bool]) -> dict[str, float]:
    return {name: 1.0 for name, holds in flags.items() if holds}


def _urges(tokens: Sequence[str]) -> Iterator[bool]:
    """Say for every place where a clause begins whether it begins with an urging verb."""
    begins = True
    for position, token in enumerate(tokens):
        if begins and token in _VERBS:
            following = tokens[position + 1] if position + 1 < len(tokens) else ""
            yield not (token in _AUXILIARIES and following in _SUBJECTS)
        begins = token in ENDS or token in _SOFT
