"""Finds a quote in a turn: word for word, but for spaces and the shapes of quotation marks."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from services.scoring_worker.judging.words import Span
from shared.intake.cleaning import clean

_SHAPES: Final = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u02bc\u2032`\u00b4", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
    }
)
"""Every one stands for one character, so that positions stay."""

_GAP: Final = re.compile(r"\s+")
_AROUND: Final = " \t\n\"'."
"""What a model puts around a quote, or leaves away."""


class _Flat(NamedTuple):
    """A text with one space for every gap, and where its characters stood."""

    text: str
    places: tuple[int, ...]


def locate(text: str, quote: str) -> Span | None:
    """Return the first place of a quote, of whole words; None where it does not stand."""
    wanted = clean(quote).text.strip()
    found = _first(text, wanted)
    if found is not None:
        return found
    flat, wanted = _flatten(text), _flatten(wanted).text
    span = _first(flat.text, wanted) or _first(flat.text, wanted.strip(_AROUND))
    if span is None:
        return None
    return Span(flat.places[span.start], flat.places[span.end - 1] + 1)


def _first(text: str, wanted: str) -> Span | None:
    if not any(char.isalnum() for char in wanted):
        return None
    return next((span for span in _places(text, wanted) if _is_whole(text, span)), None)


def _places(text: str, wanted: str) -> Iterator[Span]:
    start = text.find(wanted)
    while start >= 0:
        yield Span(start, start + len(wanted))
        start = text.find(wanted, start + 1)


def _is_whole(text: str, span: Span) -> bool:
    """Say whether no word is cut at either end."""
    before, after = text[span.start - 1 : span.start], text[span.end : span.end + 1]
    cut_before = before.isalnum() and text[span.start].isalnum()
    return not cut_before and not (after.isalnum() and text[span.end - 1].isalnum())


@lru_cache(maxsize=1024)
def _flatten(text: str) -> _Flat:
    parts: list[str] = []
    places: list[int] = []
    end = 0
    for gap in _GAP.finditer(text):
        parts += (text[end : gap.start()], " ")
        places += range(end, gap.start() + 1)
        end = gap.end()
    parts.append(text[end:])
    places += range(end, len(text))
    return _Flat("".join(parts).translate(_SHAPES), tuple(places))
