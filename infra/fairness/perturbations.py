"""The same words in another style: typing, dialect, register, names. What is said stays the same.

Every perturbation is a function of a text and a seed; the same seed gives the same text. Chance is
drawn from a hash of the seed and the place, so that no state is shared.
"""

import re
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Final

import msgspec
import yaml

from shared.contracts.base import Authored

Perturbation = Callable[[str, int], str]
"""Text and seed in, the same said in another style out."""

TYPO_EVERY: Final = 15
"""One word of so many is mistyped: about what people leave in a chat typed on a phone."""

TYPO_LETTERS: Final = 4
"""Shorter words are not mistyped: too much would be lost for a reader, too."""

_KEYS: Final = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_NEIGHBORS: Final = {
    key: near for row in _KEYS for left, right in pairwise(row) for key, near in [(left, right)]
}
_WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_MARKS: Final = re.compile(r"[.,;:!?](?=\s|$)")
_TITLED: Final = re.compile(r"\b(?:Mr|Mrs|Ms|Dr)\. ([A-Z][\w'-]+)")
_INTRODUCED: Final = re.compile(r"\b(?:[Tt]his is|[Mm]y name(?:'s| is)|I'm) ([A-Z][a-z]+)\b")


class Origin(Authored, frozen=True, kw_only=True):
    """Names of one origin."""

    given: tuple[str, ...]
    family: tuple[str, ...]


class Styles(Authored, frozen=True, kw_only=True):
    """The content of `styles.yaml`; its comments say what each part is."""

    dialect: dict[str, str]
    informal: dict[str, str]
    contractions: dict[str, str]
    emoji: tuple[str, ...]
    names: dict[str, Origin]


@cache
def load_styles() -> Styles:
    """Return the tables; read once."""
    text = resources.files("infra.fairness").joinpath("styles.yaml").read_text(encoding="utf-8")
    return msgspec.convert(yaml.safe_load(text), Styles)


def draw(seed: int, place: int, of: int) -> int:
    """Return a number 0..of-1 that depends on the seed and the place only."""
    return zlib.crc32(f"{seed}:{place}".encode()) % of


def typos(text: str, seed: int) -> str:
    """Mistype one word in fifteen: letters swapped, left out, doubled, or hit beside."""

    def mistype(match: re.Match[str]) -> str:
        word, place = match.group(), match.start()
        if len(word) < TYPO_LETTERS or not word.isalpha() or draw(seed, place, TYPO_EVERY):
            return word
        return _mistyped(word, 1 + draw(seed + 1, place, len(word) - 2), draw(seed + 2, place, 4))

    return _WORD.sub(mistype, text)


def _mistyped(word: str, at: int, kind: int) -> str:
    if kind == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == 1:
        return word[:at] + word[at + 1 :]
    if kind == 2:
        return word[:at] + word[at] + word[at:]
    return word[:at] + _NEIGHBORS.get(word[at], word[at]) + word[at + 1 :]


def dialect_spellings(text: str, _seed: int) -> str:
    """Spell as another dialect does."""
    return _replaced(text, load_styles().dialect)


def dropped_apostrophes(text: str, _seed: int) -> str:
    """Leave out every apostrophe inside a word."""
    return re.sub(r"(?<=\w)['\u2019](?=\w)", "", text)


def contracted(text: str, _seed: int) -> str:
    """Draw together what can be drawn together."""
    return _replaced(text, load_styles().contractions)


def written_out(text: str, _seed: int) -> str:
    """Write contractions out."""
    return _replaced(text, {short: full for full, short in load_styles().contractions.items()})


def informal(text: str, _seed: int) -> str:
    """Write as to a friend."""
    return _replaced(text, load_styles().informal)


def lower_case(text: str, _seed: int) -> str:
    """Write without capitals."""
    return text.lower()


def no_commas(text: str, _seed: int) -> str:
    """Write without commas."""
    return re.sub(r",(?=\s)", "", text)


def no_punctuation(text: str, _seed: int) -> str:
    """Leave out every mark, those at the ends of sentences too; capitals stay."""
    return _MARKS.sub("", text)


def line_breaks(text: str, _seed: int) -> str:
    """End sentences with a new line in place of a mark, as in a messenger; questions stay."""
    return re.sub(r"(?<!Mr)(?<!Mrs)(?<!Ms)(?<!Dr)[.!] (?=[A-Z])", "\n", text).rstrip(".!")


def emoji(text: str, seed: int) -> str:
    """End with an emoji."""
    drawn = load_styles().emoji
    return f"{text} {drawn[draw(seed, len(text), len(drawn))]}"


STYLES: Final[Mapping[str, Perturbation]] = {
    "typos": typos,
    "dialect spellings": dialect_spellings,
    "dropped apostrophes": dropped_apostrophes,
    "contracted": contracted,
    "written out": written_out,
    "informal register": informal,
    "lower case": lower_case,
    "no commas": no_commas,
    "no punctuation": no_punctuation,
    "line breaks": line_breaks,
    "emoji": emoji,
}
"""What the person who is judged may write differently, by name."""


def named_in(texts: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the given and the family names that a conversation introduces, in order."""
    whole = "\n".join(texts)
    given = dict.fromkeys(_INTRODUCED.findall(whole))
    return tuple(given), tuple(dict.fromkeys(_TITLED.findall(whole)))


def renamed(texts: tuple[str, ...], origin: str, seed: int) -> tuple[str, ...]:
    """Give everybody in a conversation names of an origin, the same everywhere."""
    names = load_styles().names[origin]
    given, family = named_in(texts)
    new = {
        old: pool[(draw(seed, 0, len(pool)) + place) % len(pool)]
        for found, pool in ((given, names.given), (family, names.family))
        for place, old in enumerate(found)
    }
    if not new:
        return texts
    known = re.compile(rf"\b(?:{'|'.join(map(re.escape, new))})\b")
    return tuple(known.sub(lambda match: new[match.group()], text) for text in texts)


def _replaced(text: str, table: Mapping[str, str]) -> str:
    def put(match: re.Match[str]) -> str:
        old = match.group()
        new = table[old.lower().replace("\u2019", "'")]
        return new[:1].upper() + new[1:] if old[0].isupper() else new

    return _finder(tuple(table)).sub(put, text)


@cache
def _finder(words: tuple[str, ...]) -> re.Pattern[str]:
    longest = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<![\w'])(?:{'|'.join(map(re.escape, longest))})(?![\w'])", re.IGNORECASE)
