"""How much of a turn takes up what the other side just said."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

from services.scoring_worker.judging.behaviors.talk_phrases import WORDS
from services.scoring_worker.judging.behaviors.utterance import Utterance
from shared.dialogue.spelling import NUMBER_VALUES

STEM = 5
"""Letters of a word that are compared."""
_START = 6
"""Words at the beginning of a turn, looked at apart: taking up comes first."""
_FIGURE = re.compile(r"\d+")
_FUNCTION = frozenset(WORDS.function.split())
_ME = frozenset(WORDS.me.split())
_NUMBER_WORDS = frozenset(NUMBER_VALUES)


@lru_cache(maxsize=16384)
def stem(token: str) -> str:
    """Return what of a word is compared; empty for marks, figures and words without a topic."""
    if token in _FUNCTION or not token[0].isalpha():
        return ""
    return token[:STEM] if len(token) > STEM else token.rstrip("s")


def stems(tokens: Iterable[str]) -> list[str]:
    """Return the stems of the words with a topic, in order."""
    return [found for token in tokens if (found := stem(token))]


def longest_run(words: Sequence[str], said: Sequence[str]) -> int:
    """Return the length of the longest stretch of words that was said just so; 0 below two."""
    pairs = set(pairwise(said))
    starts = [start for start, pair in enumerate(pairwise(words)) if pair in pairs]
    if not starts:
        return 0
    line = f" {' '.join(said)} "
    best = 2
    for start in starts:
        while start + best < len(words) and (
            f" {' '.join(words[start : start + best + 1])} " in line
        ):
            best += 1
    return best


def echo_features(
    u: Utterance, words: Sequence[str], said: Sequence[str], heard: frozenset[str]
) -> dict[str, float]:
    """Return the features of taking up.

    Args:
        u: the turn.
        words: its tokens without marks; not empty.
        said: the tokens that were heard, without marks; not empty.
        heard: their stems.
    """
    return (
        _topics(stems(words), heard)
        | _numbers(u)
        | _runs(words, said)
        | _words(words, frozenset(said))
    )


def _topics(own: Sequence[str], heard: frozenset[str]) -> dict[str, float]:
    kinds = frozenset(own)
    count = len(kinds & heard)
    if not count:
        return {}
    first = next(position for position, found in enumerate(own) if found in heard)
    return {
        "t:echo": 1.0,
        "t:echo_count": count / (count + 2),
        "t:echo_of_heard": count / len(heard),
        "t:echo_of_own": count / len(kinds),
        "t:echo_early": 1 / (1 + first),
    }


def _numbers(u: Utterance) -> dict[str, float]:
    given = _figures(u.heard, u.heard_tokens)
    count = len(given & _figures(u.text, u.tokens)) if given else 0
    return {"t:echo_numbers": count / (count + 1)} if count else {}


def _figures(text: str, tokens: Iterable[str]) -> set[str]:
    """Return the numbers of a text, figures and words alike, as figures."""
    words = {str(NUMBER_VALUES[token]) for token in _NUMBER_WORDS.intersection(tokens)}
    return words.union(_FIGURE.findall(text))


def _runs(words: Sequence[str], said: Sequence[str]) -> dict[str, float]:
    run = longest_run(words, said)
    found: dict[str, float] = {}
    if run:
        found["t:echo_run"] = (run - 1) / (run + 2)
        found["t:echo_run_share"] = run / len(said)
    if not _ME.isdisjoint(said):
        turned = longest_run(words, [WORDS.turned.get(word, word) for word in said])
        if turned > run:
            found["t:echo_turned"] = (turned - 1) / (turned + 2)
    return found


def _words(words: Sequence[str], said: frozenset[str]) -> dict[str, float]:
    kinds = frozenset(words)
    shared = len(kinds & said)
    if not shared:
        return {}
    start = words[:_START]
    return {
        "t:echo_words": shared / len(kinds),
        "t:echo_words_of_heard": shared / len(said),
        "t:echo_start": sum(word in said for word in start) / len(start),
    }
