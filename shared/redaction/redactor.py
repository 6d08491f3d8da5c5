"""Marks in place of personal data; the gateway finds the way back."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from shared.redaction.recognizers import spans
from shared.redaction.redacted import Redacted
from shared.redaction.spans import Kind, Span, without_overlaps

_ESCAPE: Final = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)", re.DOTALL)
"""Of JSON: its letters belong to no word beside it."""

_KINDS: Final = "|".join(kind.name for kind in Kind)
_MARK: Final = re.compile(rf"\[\s*({_KINDS})[ _-]?(\d{{1,4}})\s*\]", re.IGNORECASE)
_ODD_LETTER: Final = re.compile("[\u0130\u0131\u017f\u212a]")
"""Beyond ASCII, and equal to an ASCII letter where case does not matter."""
MIN_NAME: Final = 2
"""Letters of a part of a name that is looked for."""


class PatternRedactor:
    """Replaces what patterns, check digits and known names find; see `shared.llm.records.Redactor`.

    What stands in `kept` stays, however it looks: facts of a scenario are invented, and a model
    needs them word for word.
    """

    def redact(
        self, texts: Sequence[str], *, names: Sequence[str] = (), kept: Sequence[str] = ()
    ) -> Redacted:
        """Return the texts with marks; the same words get the same mark in all of them."""
        known = _names(tuple(names))
        marker = _Marker(texts)
        return Redacted(
            texts=tuple(marker.marked(text, _found(text, known, kept)) for text in texts),
            marks=marker.marks,
        )


class _Marker:
    """Gives marks away, and never one that a text already has in it."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.marks: dict[str, str] = {}
        self._taken = {_normal(match) for text in texts for match in _MARK.finditer(text)}
        self._by_words: dict[tuple[Kind, str], str] = {}
        self._numbers: Counter[Kind] = Counter()

    def marked(self, text: str, found: Sequence[Span]) -> str:
        """Return a text with marks for these spans."""
        parts, at = [], 0
        for span in found:
            parts += [text[at : span.start], self._mark(span.kind, text[span.start : span.end])]
            at = span.end
        return "".join((*parts, text[at:])) if parts else text

    def _mark(self, kind: Kind, words: str) -> str:
        mark = self._by_words.get((kind, words))
        while mark is None:
            self._numbers[kind] += 1
            new = f"[{kind.name}_{self._numbers[kind]}]"
            if new not in self._taken:
                mark = self._by_words[kind, words] = new
                self.marks[new] = words
        return mark


def _normal(match: re.Match[str]) -> str:
    return f"[{match[1].upper()}_{int(match[2])}]"


def _found(text: str, names: "_Names | None", kept: Sequence[str]) -> list[Span]:
    plain = _ESCAPE.sub(lambda match: " " * len(match[0]), text) if "\\" in text else text
    found = spans(plain)
    if names is not None and names.may_be_in(plain):
        found += [Span(*each.span(), Kind.NAME) for each in names.finds.finditer(plain)]
    if not found:
        return []
    stays = _places(text, kept)
    return without_overlaps(each for each in found if not any(stays[each.start : each.end]))


def _places(text: str, kept: Sequence[str]) -> bytearray:
    """Return ones where the letters of a text stay."""
    stays = bytearray(len(text))
    for words in kept:
        at = text.find(words) if words else -1
        while at >= 0:
            stays[at : at + len(words)] = b"\1" * len(words)
            at = text.find(words, at + 1)
    return stays


class _Names(NamedTuple):
    """Names that are looked for."""

    finds: re.Pattern[str]
    needles: tuple[str, ...]
    """In small letters: one of them is in every text with a name; looking for them is quick."""
    is_ascii: bool

    def may_be_in(self, text: str) -> bool:
        """Say whether it is worth looking; letters beyond ASCII have their own ways."""
        if not self.is_ascii or (not text.isascii() and _ODD_LETTER.search(text)):
            return True
        small = text.lower()
        return any(each in small for each in self.needles)


@lru_cache(maxsize=256)  # every turn of a conversation asks for the same
def _names(names: tuple[str, ...]) -> _Names | None:
    """Return what finds these names, whole or in parts; None without any.

    A part in small letters is no name: people are called Will and May.
    """
    words = [" ".join(name.split()) for name in names if not set('"\\[]') & set(name)]
    whole = [f"(?i:{re.escape(each)})" for each in words if len(each) > MIN_NAME]
    parts = {
        form
        for each in words
        for part in re.split(r"[\s,]+", each)
        if len(part) >= MIN_NAME and part[:1].isupper() and part not in _TITLES
        for form in (part, part.upper())
    }
    found = whole + [re.escape(part) for part in sorted(parts, key=len, reverse=True)]
    if not found:
        return None
    needles = tuple({each.lower() for each in (*parts, *words)})
    return _Names(
        finds=re.compile(rf"(?<!\w)(?:{'|'.join(found)})(?!\w)"),
        needles=needles,
        is_ascii="".join(needles).isascii(),
    )


_TITLES: Final = frozenset(
    {"Dr", "Dr.", "Mr", "Mr.", "Mrs", "Mrs.", "Ms", "Ms.", "Prof", "Prof.", "Herr", "Frau"}
    | {"De", "Van", "Von", "Der", "Den", "La", "Le"}
)
