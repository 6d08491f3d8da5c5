"""Sentences and topic words of a turn: cached views of `shared.dialogue.segments`."""

from functools import lru_cache
from typing import NamedTuple

from shared.dialogue import segments

MIN_TELLING_WORDS, MIN_TELLING_TOPICS = 5, 2
"""A shorter quote, or one with fewer words that carry a topic, could stand in any conversation."""


class Span(NamedTuple):
    """A stretch of a turn's text, end exclusive."""

    start: int
    end: int


_NOWHERE = Span(0, 0)


@lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """Return the text in lower case with straight apostrophes; every position stays."""
    return segments.fold(text)


@lru_cache(maxsize=4096)
def topics(text: str) -> frozenset[str]:
    """Return the stems of the words that carry a topic; numbers do not."""
    return segments.without_numbers(segments.content_stems(text))


@lru_cache(maxsize=4096)
def sentences(text: str) -> tuple[Span, ...]:
    """Return the sentences of a text in order; trimmed, never empty."""
    return tuple([Span(start, end) for start, end in segments.sentences(text)])


def mentions(text: str, stems: tuple[str, ...]) -> bool:
    """Say whether any word of the text begins with one of the stems."""
    return segments.mentions(text, stems)


def sentence_at(text: str, position: int) -> Span:
    """Return the sentence that holds a position, else the first one, else an empty span."""
    found = sentences(text)
    for span in found:
        if span[0] <= position < span[1]:
            return span
    return found[0] if found else _NOWHERE


def count_words(text: str) -> int:
    """Count what stands between white space."""
    return len(text.split())


def is_telling(quote: str) -> bool:
    """Say whether a quote shows something by itself: not a bare `Okay.` or `Hi, Sam speaking.`."""
    return count_words(quote) >= MIN_TELLING_WORDS and len(topics(quote)) >= MIN_TELLING_TOPICS


def overlap(left: frozenset[str], right: frozenset[str]) -> float:
    """Return the Jaccard index of two sets, 0..1; 0 when both are empty."""
    union = len(left | right)
    return len(left & right) / union if union else 0.0
