"""Marks in place of personal data; the gateway finds the way back."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from shared.llm.records import Redacted
from shared.redaction.recognizers import spans
from shared.redaction.spans import Kind, Span, without_overlaps

_ESCAPE: Final = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)", re.DOTALL)
"""Of JSON: its letters belong to no word beside it."""

_KINDS: Final = "|".join(kind.name for kind in Kind)
_MARK: Final = re.compile(rf"\[\s*({_KINDS})[ _-]?(\d{{1,4}})\s*\]", re.IGNORECASE)
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
        known = _names(names)
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


def _found(text: str, names: re.Pattern[str] | None, kept: Sequence[str]) -> list[Span]:
    plain = _ESCAPE.sub(lambda match: " " * len(match[0]), text) if "\\" in text else text
    found = spans(plain)
    if names is not None:
        found += [Span(each.start(), each.end(), Kind.NAME) for each in names.finditer(plain)]
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


def _names(names: Sequence[str]) -> re.Pattern[str] | None:
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
    return re.compile(rf"(?<!\w)(?:{'|'.join(found)})(?!\w)") if found else None


_TITLES: Final = frozenset(
    {"Dr", "Dr.", "Mr", "Mr.", "Mrs", "Mrs.", "Ms", "Ms.", "Prof", "Prof.", "Herr", "Frau"}
    | {"De", "Van", "Von", "Der", "Den", "La", "Le"}
)
