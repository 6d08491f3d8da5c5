"""A text as the patterns know its words: typing slips, dialects, short forms, emoji evened out.

What people say must not count for less because of how they write it. The judge reads the respelled
text; what it quotes is the original. A text written in the usual way comes back as it is.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from importlib import resources
from typing import NamedTuple

import msgspec

from services.scoring_worker.judging.behaviors.model import PACKAGE as BEHAVIORS
from services.scoring_worker.judging.words import fold
from shared.contracts.base import Authored
from shared.dialogue.lexicon import LEXICON
from shared.dialogue.spelling import ALIASES, CONTRACTIONS, NUMBER_WORDS
from shared.yaml_files import read_yaml

SHORTEST = 4
"""A word of fewer letters is never taken for a slip."""

UNMARKED_WORDS = 8
"""From so many words on, a turn without a single mark is parted into sentences."""

APART_WORDS = 3
"""A sentence that is parted off has at least so many words."""


class Respelled(NamedTuple):
    """A text in usual spelling, and where it comes from."""

    text: str
    places: tuple[tuple[int, int], ...] = ()
    """(place here, place in the original) of every stretch that was kept or replaced, in order."""

    def origin(self, place: int, *, is_end: bool = False) -> int:
        """Return where a place of this text is in the original.

        Where something was taken out, a stretch that ends there ends before it.
        """
        if not self.places:
            return place
        if is_end:
            after = bisect_left(self.places, place, key=_here)
            if after < len(self.places) and self.places[after][0] == place:
                after += 1
        else:
            after = bisect_right(self.places, place, key=_here)
        here, there = self.places[after - 1]
        found = there + place - here
        return min(found, self.places[after][1]) if after < len(self.places) else found


def _here(place: tuple[int, int]) -> int:
    return place[0]


class _Shortened(Authored, frozen=True, kw_only=True):
    odd: str
    before: str


class _Spellings(Authored, frozen=True, kw_only=True):
    """The file as it is written; the comments in it say what each part is for."""

    spellings: dict[str, str]
    shortened: dict[str, _Shortened]
    auxiliaries: str
    subjects: str
    askers: str
    asks: str
    tells: str
    common: str
    joins: str


def _load() -> _Spellings:
    source = resources.files("services.scoring_worker.judging").joinpath("respelling.yaml")
    return msgspec.convert(read_yaml(source), _Spellings)


_DATA = _load()
_ACTS, _SIGNS = "shared.dialogue", "services.scoring_worker.judging.detectors"
_USED = (_ACTS, _SIGNS, BEHAVIORS)
_HARSH = (
    *(
        f"{_ACTS}/acts_{name}.yaml"
        for name in ("hurting", "mocking", "scolding", "pushing", "hurrying")
    ),
    f"{_SIGNS}/signs_bad.yaml",
)
"""Files of what hurts: nobody is accused of a word that was not written."""
_AMBIGUOUS = {each.odd for each in _DATA.shortened.values()} | {"its", "lets", "whos"}
_USUAL = {
    **{bare: word for word in CONTRACTIONS if (bare := word.replace("'", "")) not in _AMBIGUOUS},
    **{odd: usual for usual, odds in _DATA.spellings.items() for odd in odds.split()},
}
_NOT_AFTER = "".join(
    rf"(?<!{word} )" for word in ("as", "are", "am", "is", "'s", "was", "feel", "been")
)
_SHORTENED = [
    (usual, each.odd, re.compile(rf"(?<![\w']){_NOT_AFTER}{each.odd}(?= (?:{_before})\b)"))
    for usual, each in _DATA.shortened.items()
    for _before in ["|".join(each.before.split())]
]
_WORD = re.compile(
    r"(?<![\w'/@.])(?:w/o?|&|'(?:em|bout|cause|cos|til)|[^\W\d_]+(?:'[^\W\d_]+)*'?|\d[a-z]+\w*|[a-z]+\d\w*)(?![\w/@]|\.\w)"
)
_EMOJI = re.compile(
    " ?[\U0001f000-\U0001faff\u2600-\u27bf\u2b50\u2764\ufe0e\ufe0f\u200d]+(?=\\s|$)"
)
_PLAIN = re.compile(r"(?<![\w'])[a-z][a-z']+(?![\w*'])")
"""A whole word of a pattern file; stems with a star are left out."""
_MARK = re.compile(r"[.,;:!?\u2026](?=\s|$)|\n")
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_BESIDE = {
    key: row[max(0, at - 1) : at] + row[at + 1 : at + 2]
    for row in _KEYS
    for at, key in enumerate(row)
}
_TELLS = re.sub(r"\s*\|\s*", "|", _DATA.tells.strip())
_ASKERS, _SUBJECTS = frozenset(_DATA.askers.split()), frozenset(_DATA.subjects.split())
_RELATIVE = re.compile(r"^\w+ (?:is|was) (?:that|because|your|the)\b")
_CAPITAL = re.compile(r"(?<=\s)[A-Z][a-z]*(?:'[a-z]+)*(?![\w'])")
_COMMON = frozenset(_DATA.common.split()) | LEXICON.stopwords
"""Common words; `I` and its short forms are left out, for they always have a capital."""
_JOINS = frozenset(_DATA.joins.split())


def _any(words: str) -> str:
    return "|".join(words.split())


_ASKS = re.compile(
    rf"\b(?:(?:(?:{_any(_DATA.askers)})(?: \w+)? )?(?:{_any(_DATA.auxiliaries)})"
    rf" (?:{_any(_DATA.subjects)})|{_DATA.asks})\b"
)
_BEGINS = re.compile(rf"(?<![\w'])(?:{_ASKS.pattern}|(?:{_TELLS})(?![\w']))")

_Edit = tuple[int, int, str]
"""Replace text[start:end] by this."""


@lru_cache(maxsize=4096)
def respell(text: str) -> Respelled:
    """Return the text in usual spelling; the same text where nothing is unusual."""
    folded = fold(text)
    edits = [*_words(text, folded), *_marks(text, folded)]
    for usual, odd, words in _SHORTENED:
        if odd in folded:
            edits += [(*match.span(), usual) for match in words.finditer(folded)]
    if not text.isascii():
        edits += [(*match.span(), "") for match in _EMOJI.finditer(text)]
    return _applied(text, sorted(edits)) if edits else Respelled(text)


def _words(text: str, folded: str) -> Iterator[_Edit]:
    """Yield the words that are spelled in another way."""
    known = _known()
    for match in _WORD.finditer(folded):
        word = match.group()
        if word in known:
            continue
        start = match.start()
        usual = _usual(word) if len(word) > 1 or text[start].islower() else None
        if usual is None and _may_slip(text, start):
            usual = _corrected(word)
            if usual is not None and text[start].isupper() and usual not in LEXICON.stopwords:
                continue
        if usual is not None:
            yield start, match.end(), usual


def _usual(word: str) -> str | None:
    usual = _USUAL.get(word)
    if usual is None and word.endswith("in'"):
        usual = word[:-1] + "g"
    return usual


def _may_slip(text: str, start: int) -> bool:
    """Say whether a word may be a slip: a name in the middle of a sentence is none."""
    return text[start].islower() or not text[:start].rstrip() or text[:start].rstrip()[-1] in ".!?"


@cache
def _known() -> frozenset[str]:
    """Return the words that stay as they are: all that patterns and models know."""
    found = _targets() | _words_of(_HARSH) | LEXICON.stopwords | ALIASES.keys() | set(NUMBER_WORDS)
    return found - _USUAL.keys()


@cache
def _targets() -> frozenset[str]:
    """Return what a slip may have been meant for: nothing that is only said to hurt."""
    weights = resources.files(BEHAVIORS).joinpath("weights.json").read_text("utf-8")
    kind = frozenset(re.findall(r'"w:([a-z]+)"', weights)) - _words_of(_HARSH)
    return kind | _words_of(_USED, but=_HARSH)


def _words_of(packages: tuple[str, ...], *, but: tuple[str, ...] = ()) -> frozenset[str]:
    """Return the words of data files, named by `package` or `package/file`; stems are left out."""
    found: set[str] = set()
    for name in packages:
        package, _, wanted = name.partition("/")
        for item in resources.files(package).iterdir():
            if not item.name.endswith(".yaml") or f"{package}/{item.name}" in but:
                continue
            if item.name.startswith(wanted):
                found.update(_PLAIN.findall(item.read_text("utf-8")))
    return frozenset(found)


@lru_cache(maxsize=16384)
def _corrected(word: str) -> str | None:
    """Return the one known word that a slip of the fingers makes of this, if there is one."""
    if len(word) < SHORTEST or not word.isalpha() or _is_form(word):
        return None
    near = frozenset(_near(word))
    for words in (LEXICON.stopwords, _targets()):
        found = near & words
        if found:
            return next(iter(found)) if len(found) == 1 else None
    return None


def _is_form(word: str) -> bool:
    """Say whether the word is a form of a known one: its plural, its past, its opposite."""
    known = _known()
    for ending in ("s", "es", "d", "ed", "ing", "ly", "er", "ers", "y", "n", "r"):
        if word.endswith(ending):
            stem = word.removesuffix(ending)
            if len(stem) > 2 and (stem in known or stem + "e" in known or stem[:-1] in known):
                return True
    return any(
        word.startswith(before) and word.removeprefix(before) in known
        for before in ("un", "re", "in", "dis", "pre", "over", "out", "non", "mis", "post")
    )


def _near(word: str) -> Iterator[str]:
    """Yield what stands behind one slip: letters swapped, doubled, left out, or hit beside.

    The first and the last letter are taken to be right, and another letter is only taken for a slip
    beside its key: more would turn good words that nobody listed into others.
    """
    last = len(word) - 1
    for at in range(1, last):
        if at + 1 < last or len(word) > SHORTEST:
            yield word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        if len(word) == SHORTEST:
            continue
        if word[at] == word[at - 1]:
            yield word[:at] + word[at + 1 :]
        for letter in _BESIDE.get(word[at], ""):
            yield word[:at] + letter + word[at + 1 :]
    for at in range(1, last + 1):
        for letter in "abcdefghijklmnopqrstuvwxyz":
            yield word[:at] + letter + word[at:]


def _marks(text: str, folded: str) -> Iterator[_Edit]:
    """Yield the marks that part a turn without any into sentences, and end its questions."""
    if folded.count(" ") + 1 < UNMARKED_WORDS or _MARK.search(folded):
        return
    starts = _openings(folded, _capitals(text, folded))
    ends = [len(text[:start].rstrip()) for start in starts[1:]]
    for start, end in zip(starts, [*ends, len(text.rstrip())], strict=True):
        asks = _asks(folded[start:end])
        if asks or len(starts) > 1:
            yield end, end, "?" if asks else "."


def _asks(sentence: str) -> bool:
    """Say whether a sentence without its mark is a question: `What happened`, not `What I mean`."""
    first, _, rest = sentence.partition(" ")
    if first in _ASKERS and rest.partition(" ")[0] not in _SUBJECTS:
        return _RELATIVE.search(rest) is None
    return _ASKS.match(sentence) is not None


def _capitals(text: str, folded: str) -> frozenset[int]:
    """Return where common words begin with a capital: there somebody began a sentence."""
    return frozenset(
        match.start()
        for match in _CAPITAL.finditer(text)
        if folded[match.start() : match.end()] in _COMMON
    )


def _openings(folded: str, sure: frozenset[int]) -> list[int]:
    """Return where sentences begin: at these places, and where first words of a sentence stand."""
    starts = [0]
    for place in sorted({match.start() for match in _BEGINS.finditer(folded)} | sure):
        before = folded[starts[-1] : place].split()
        if place in sure or (len(before) >= APART_WORDS and before[-1] not in _JOINS):
            starts.append(place)
    return starts


def _applied(text: str, edits: Iterable[_Edit]) -> Respelled:
    parts: list[str] = []
    places: list[tuple[int, int]] = [(0, 0)]
    length = kept = 0
    for start, end, new in edits:
        if start < kept:
            continue
        parts += text[kept:start], new
        length += start - kept
        places.append((length, start))
        length += len(new)
        places.append((length, end))
        kept = end
    parts.append(text[kept:])
    return Respelled("".join(parts), tuple(places))
