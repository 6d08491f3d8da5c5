"""Cuts a text of any language into sentences, by character offsets; every visible character is in
one of them.
"""

import re
from typing import Final

from shared.contracts.base import Record

MAX_SENTENCES: Final = 60
"""Of one turn; more are joined to longer ones, so that the work of a call is bounded."""

MAX_CHARS: Final = 500
"""A longer stretch without an end mark is cut at a space."""

_END: Final = re.compile(
    "[.!?\u2026]+[\"'\\)\\]\u201d\u2019\u00bb]*(?=\\s|$)"  # Latin, Cyrillic, Greek: a space follows
    "|[\u3002\uff01\uff1f\uff0e\u0964\u061f\u06d4]+[\u300d\u300f\u201d\"']*"  # scripts without it
    "|\\n+"
)
_SHORT: Final = re.compile(r"(?:^|[\s(.])\w{1,3}\.$")
"""`Dr.`, `z.B.`, `3.`: more likely inside a sentence than its end."""
_VISIBLE: Final = re.compile(r"[^\W_]")


class Piece(Record, frozen=True, kw_only=True):
    """A sentence of a text."""

    start: int
    end: int
    text: str


def has_words(text: str) -> bool:
    """Say whether a text holds a letter or a figure: only then there is something to render."""
    return _VISIBLE.search(text) is not None


def cut(text: str) -> tuple[Piece, ...]:
    """Return the sentences; none for a text of blanks. Linear in the length of the text."""
    places: list[tuple[int, int]] = []
    start = 0
    for mark in _END.finditer(text):
        end = mark.end()
        if _SHORT.search(text, max(start, end - 6), end) and end < len(text):
            continue
        places += _split(text, start, end)
        start = end
    places += _split(text, start, len(text))
    return tuple(Piece(start=a, end=b, text=text[a:b]) for a, b in _joined(text, places))


def _split(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Cut a stretch that is too long, and leave the blanks at its edges out."""
    found: list[tuple[int, int]] = []
    while end - start > MAX_CHARS:
        at = text.rfind(" ", start + MAX_CHARS // 2, start + MAX_CHARS)
        at = at if at > 0 else start + MAX_CHARS
        found += _trimmed(text, start, at)
        start = at
    return found + _trimmed(text, start, end)


def _trimmed(text: str, start: int, end: int) -> list[tuple[int, int]]:
    body = text[start:end].strip()
    if not body:
        return []
    left = text.index(body, start)
    return [(left, left + len(body))]


def _joined(text: str, places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join what holds no word to the sentence before, and neighbors while there are too many."""
    found: list[tuple[int, int]] = []
    for start, end in places:
        if found and not has_words(text[start:end]):
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    while len(found) > MAX_SENTENCES:
        pairs = (found[at : at + 2] for at in range(0, len(found), 2))
        found = [(pair[0][0], pair[-1][1]) for pair in pairs]
    return found
