"""How easy the agent's words are to read: Flesch (1948) and Kincaid et al. (1975); English only."""

import re
from functools import lru_cache
from typing import NamedTuple

from services.scoring_worker.judging.reading import Reading
from services.scoring_worker.judging.words import fold

MIN_WORDS = 10
"""Fewer words have no readability."""

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
_VOWELS = re.compile(r"[aeiouy]+")
_SILENT_E = re.compile(
    r"[^aeiouy]e$|[^aeiouytd]ed$|[^aeiouyscxzg]es$|[^aeiouy]e(?:ly|ment|ful|less)$"
)
"""A final `e` that is not heard: `make`, `called`, `names`, `safely`."""

_SPOKEN_LE = re.compile(r"[^aeiouyl]l(?:e|es|ed)$")
"""`table`: the ending is a syllable of its own."""

_TWO_VOWELS = re.compile(
    r"i(?:a(?!ge|l\b)|o(?!u|n)|u)|(?<![ctgx])iou|eo(?!us|p)|ua|uo|[aeiou]ing$|yi|[rd]ea$|cre(?=at)"
    r"|cie(?=nc|t)|uie"
)
"""Neighbors that are two syllables: `diary`, `video`, `usual`, `doing`, `area`, `quiet`."""

_EXCEPTIONS = {"every": 2, "everything": 3, "business": 2, "evening": 2, "different": 2}
"""Common words that are spoken shorter than they are written."""


class Ease(NamedTuple):
    """Two readings of the same counts."""

    ease: float
    """206.835 - 1.015 W/S - 84.6 Syl/W; higher is easier."""
    grade: float
    """0.39 W/S + 11.8 Syl/W - 15.59; years of school."""


def readability(reading: Reading) -> Ease | None:
    """Return the readability of everything the agent said, or None for a few words."""
    words = spoken = cut = 0
    for turn in reading.turns:
        if turn.turn.role != "agent":
            continue
        found = _WORD.findall(fold(turn.turn.text))
        words += len(found)
        spoken += sum(map(syllables, found))
        cut += turn.raw.sentences
    if words < MIN_WORDS or not cut:
        return None
    per_sentence, per_word = words / cut, spoken / words
    return Ease(
        ease=round(206.835 - 1.015 * per_sentence - 84.6 * per_word, 1),
        grade=round(0.39 * per_sentence + 11.8 * per_word - 15.59, 1),
    )


@lru_cache(maxsize=16384)
def syllables(word: str) -> int:
    """Estimate the syllables of an English word in lower case, at least one.

    Groups of vowels, less a silent `e`, more where two vowels are spoken apart.
    """
    bare = word.partition("'")[0]
    if bare in _EXCEPTIONS:
        return _EXCEPTIONS[bare]
    count = len(_VOWELS.findall(bare)) + len(_TWO_VOWELS.findall(bare))
    if _SILENT_E.search(bare) and not _SPOKEN_LE.search(bare):
        count -= 1
    if word.endswith("n't") and bare.endswith(("sn", "dn", "ldn")):
        count += 1  # `didn't`, `isn't`: the n is a syllable
    return max(1, count)
