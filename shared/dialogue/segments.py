"""Cuts a turn into sentences and words, by character offsets; linear in the length of the text."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from shared.dialogue.lexicon import LEXICON

TOKEN = re.compile(r"\w++(?:['-]\w++)*+")
"""A word with its inner apostrophes and hyphens; possessive, for there is nothing to give back."""
RUN = re.compile(r"[^\W_]+")
"""Letters and figures without anything between them: a word, or a part of a compound one."""

MAX_SENTENCE_CHARS = 400
"""Longer stretches without an end mark are cut here, so that the work per sentence is bounded."""

# the one set of first characters lets the scan skip all others
_END = re.compile(r"[.!?…\n](?:(?<!\n)[.!?…]*[\"')\]]*(?=\s|$)|(?<=\n)\n*)")
_ABBREVIATIONS = frozenset({"mr", "mrs", "ms", "dr", "st", "e.g", "i.e", "a.m", "p.m", "no"})
_NUMBERS = frozenset(
    {"zero", "three", "four", "five", "seven", "eight", "nine", "eleve", "twelv", "thirt", "fourt"}
    | {"fifte", "sixte", "seven", "eight", "ninet", "twent", "forty", "fifty", "sixty", "hundr"}
    | {"thous", "doubl", "tripl"}
)
"""Stems of number words."""
_LONG_WORD = re.compile(r"[^\W_]{3,}")
_QUOTED = re.compile('["“][^"“”]{1,200}["”]')  # fmt: skip


def fold(text: str) -> str:
    """Lower-case and straighten apostrophes, keeping every character's position."""
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = "".join(low if len(low := char.lower()) == 1 else char for char in text)
    return lowered.replace("\u2019", "'").replace("\u2018", "'")


@lru_cache(maxsize=16)
def sentences(text: str) -> tuple[tuple[int, int], ...]:
    """Return (start, end) of every sentence; whitespace at its edges is left out.

    The last few texts are remembered: several readers cut the same turn one after the other.
    """
    found: list[tuple[int, int]] = []
    start = 0
    for mark in _END.finditer(text):
        dot, end = mark.span()
        if text[dot] == "." and _is_abbreviation(text, start, dot):
            continue
        found += _pieces(text, start, end)
        start = end
    found += _pieces(text, start, len(text))
    return tuple(found)


def content_stems(text: str) -> frozenset[str]:
    """Return the stems (first five letters) of the words that carry meaning."""
    return stems_of(fold(text))


def stems_of(folded: str) -> frozenset[str]:
    """Do as `content_stems` does, for a text that is folded already."""
    return stems_among(_LONG_WORD.findall(folded))


def stems_among(runs: Iterable[str]) -> frozenset[str]:
    """Do the same for the `RUN`s of a folded text."""
    stopwords = LEXICON.stopwords
    return frozenset(
        [
            word[:5]
            for word in runs
            if word not in stopwords and (len(word) > 3 or (len(word) == 3 and word.isdigit()))
        ]
    )


def without_numbers(stems: frozenset[str]) -> frozenset[str]:
    """Drop figures and number words: reading back a number is a check, not understanding."""
    return frozenset(stem for stem in stems - _NUMBERS if not stem.isdigit())


def word_line(text: str) -> str:
    """Return the folded words between single spaces, for `mentions`; a space at both ends."""
    return f" {' '.join(TOKEN.findall(fold(text)))} "


def mentions(text: str, stems: tuple[str, ...]) -> bool:
    """Say whether any word of the text begins with one of the stems.

    A stem is lower-case and may hold spaces (`right for you`).
    """
    return line_mentions(word_line(text), stems)


def line_mentions(line: str, stems: tuple[str, ...]) -> bool:
    """Do as `mentions` does, for a `word_line` made before."""
    for stem in stems:  # noqa: SIM110 - a generator would cost more than the search itself
        if f" {stem}" in line:
            return True
    return False


def quoted(text: str) -> tuple[tuple[int, int], ...]:
    """Return the stretches in double quotes: words that the speaker only reports."""
    if '"' not in text and "\u201c" not in text:
        return ()
    return tuple(match.span() for match in _QUOTED.finditer(text))


def _is_abbreviation(text: str, start: int, dot: int) -> bool:
    word = text[max(start, dot - 6) : dot].rsplit(None, 1)[-1:]
    return bool(word) and word[0].lower() in _ABBREVIATIONS and dot + 1 < len(text)


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start > MAX_SENTENCE_CHARS:
        cut = text.rfind(" ", start + 1, start + MAX_SENTENCE_CHARS)
        cut = cut if cut > 0 else start + MAX_SENTENCE_CHARS
        yield from _trimmed(text, start, cut)
        start = cut
    yield from _trimmed(text, start, end)


def _trimmed(text: str, start: int, end: int) -> tuple[tuple[int, int], ...]:
    piece = text[start:end]
    body = piece.lstrip()
    left = end - len(body)
    right = left + len(body.rstrip())
    return ((left, right),) if left < right else ()
