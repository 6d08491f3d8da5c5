"""Reads a line so that no trick of writing hides its words: forms, invisible letters, spacing."""

import re
import unicodedata
from functools import lru_cache

from shared.audit.tables import TABLE

_LOOKALIKE = str.maketrans({look: own for own, looks in TABLE.lookalikes.items() for look in looks})
"""Letters of other scripts that look like Latin ones, and the other forms of common marks."""
_DIGITS_FOR_LETTERS = str.maketrans("0134578@$", "oieastbas")
_REVERSED = re.compile("\u202e([^\u202c]*)\u202c?")
_DROPPED = frozenset({"Cf", "Cc", "Mn", "Me", "Co", "Cn"})
"""Categories of characters that cannot be seen, or that only sit on others."""
_TOKEN = re.compile(r"[^\W_]+")
_WHOLE_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_MIXED = re.compile(r"(?=\S*[a-z])(?=\S*[\d@$])\S+")
_ENDINGS = frozenset({"s", "es", "ed", "ing"})
_MIN_STEM = 4
"""Letters of a word that must stand before an ending."""
_ABBREVIATION = re.compile(r"\b(?:mr|mrs|ms|dr|st|e\.g|i\.e|a\.m|p\.m|no)\.")
_SENTENCE = re.compile(r"[^.!?\n]+")
_PAUSE = re.compile(r"\.\.+|…")
_CACHED = 8192


@lru_cache(maxsize=_CACHED)
def plain(text: str) -> str:
    """Return the text as it is read: one form per character, nothing invisible, lower case."""
    text = _REVERSED.sub(lambda match: match.group(1)[::-1], text)
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text).casefold().translate(_LOOKALIKE)
        text = "".join(
            char for char in text if char in "\n\t" or unicodedata.category(char) not in _DROPPED
        )
    return text.casefold()


@lru_cache(maxsize=_CACHED)
def words(text: str) -> tuple[str, ...]:
    """Return the words of a text, each in plain letters and figures."""
    return tuple(_TOKEN.findall(plain(text)))


@lru_cache(maxsize=_CACHED)
def holds(text: str, phrase: str) -> bool:
    """Say whether a text holds a phrase, whatever its case, spacing, hyphens and look-alikes.

    The phrase must begin and end where a word does; its last word may have an ending.
    """
    wanted = _squeezed(phrase)
    if not wanted:
        return False
    # what runs through words stands in them written together: nearly no phrase does
    if wanted in _squeezed(text) and _runs(words(text), wanted):
        return True
    spelled, letters = _spelled_out(text)
    return wanted in letters and _runs(spelled, wanted)


def count_words(text: str) -> int:
    """Return how many words a text has."""
    return len(plain(text).split())


@lru_cache(maxsize=_CACHED)
def sentences(text: str) -> tuple[tuple[str, ...], ...]:
    """Return the words of each sentence; three dots end none."""
    read = _ABBREVIATION.sub("x", _PAUSE.sub(" ", plain(text)))
    found = (tuple(_WHOLE_WORD.findall(part)) for part in _SENTENCE.findall(_decimals(read)))
    return tuple(sentence for sentence in found if sentence)


def _runs(read: tuple[str, ...], wanted: str) -> bool:
    """Say whether neighboring words, written together, are the wanted letters."""
    return any(_begins(read, start, wanted) for start in range(len(read)))


def _begins(read: tuple[str, ...], start: int, wanted: str) -> bool:
    rest = wanted
    for word in read[start:]:
        if rest.startswith(word):
            rest = rest[len(word) :]
            if not rest:
                return True
        else:
            ending = word.removeprefix(rest)
            return len(rest) >= _MIN_STEM and ending != word and ending in _ENDINGS
    return False


@lru_cache(maxsize=_CACHED)
def _spelled_out(text: str) -> tuple[tuple[str, ...], str]:
    """Return the words with figures read as the letters that they look like (`s4fe`), and all of
    them written together.
    """
    read = _MIXED.sub(lambda match: match.group().translate(_DIGITS_FOR_LETTERS), plain(text))
    found = tuple(_TOKEN.findall(read))
    return found, "".join(found)


@lru_cache(maxsize=_CACHED)
def _squeezed(text: str) -> str:
    return "".join(words(text))


def _decimals(text: str) -> str:
    """Keep the points of figures (`18.90`) from ending a sentence."""
    return re.sub(r"(?<=\d)\.(?=\d)", "", text)
