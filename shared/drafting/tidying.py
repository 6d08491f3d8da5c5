"""Small mechanical repairs of what a model writes: forms of stems, keys, slots and titles."""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, TypeVar

import msgspec

from shared.dialogue.spelling import word_set
from shared.library.lint.text import holds_mark, touches, word_line

S = TypeVar("S", bound=msgspec.Struct)

MIN_STEM = 3
MIN_WORD = 5
"""Letters of a word that says what a title is about."""

MAX_KEY = 40

_KEEP = re.compile(r"[^a-z0-9]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_STOP = re.compile(r"[.!?,;:]+")
_STEM = re.compile(r"[^\W_][\w'-]*(?: [\w'-]+)*")
_LOUD = frozenset({"you", "your", "the", "a", "an", "it", "there", "that"})
_COMMON = word_set(
    "about after again always because before being could doing every first other right should"
    " still their there these thing things think those today tomorrow under until where which while"
    " within without would"
)


def cleaned(value: S) -> S:
    """Return a Struct whose texts hold no control characters: the database takes none."""
    return msgspec.convert(_cleaned(msgspec.to_builtins(value)), type(value))


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return _CONTROL.sub(" ", value)
    if isinstance(value, dict):
        return {name: _cleaned(inner) for name, inner in value.items()}
    return [_cleaned(inner) for inner in value] if isinstance(value, list | tuple) else value


def keyed(texts: Sequence[str], noun: str) -> tuple[str, ...]:
    """Return a key for each text, made of its first words; all of them differ."""
    found: list[str] = []
    for number, text in enumerate(texts, start=1):
        words = [word for word in _KEEP.split(text.lower().replace("'", "")) if word]
        key = "_".join(words[:4])[:MAX_KEY].strip("_") or f"{noun}_{number}"
        found.append(f"{key}_{number}" if key in found else key)
    return tuple(found)


def slug_of(*parts: str) -> str:
    """Return a slug of at most 70 characters made of these texts."""
    text = _KEEP.sub("-", " ".join(parts).lower()).strip("-")
    return text[:70].strip("-") or "draft"


def stems_of(texts: Iterable[str]) -> tuple[str, ...]:
    """Return those that can begin a word, in the form the linter wants, each once."""
    tidy = (
        " ".join(text.lower().replace("\u2019", "'").split()).strip(".,!?;:'\"") for text in texts
    )
    return tuple(
        dict.fromkeys(one for one in tidy if len(one) >= MIN_STEM and _STEM.fullmatch(one))
    )


def telling_words(text: str) -> tuple[str, ...]:
    """Return the long words of a text, longest first: what it is about."""
    words = {word for word in word_line(text).split() if word.isalpha() and len(word) >= MIN_WORD}
    return tuple(sorted(words - _COMMON, key=lambda word: (-len(word), word)))


def titled_stems(
    title: str, stems: Iterable[str], *, away_from: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return stems of which one begins a word of the title and none one of the texts to avoid."""
    kept = [one for one in stems_of(stems) if not any(touches(text, (one,)) for text in away_from)]
    if touches(title, kept) is None:
        more = (word for word in telling_words(title) if not _meets(away_from, word))
        kept += [word for word in more if word not in kept][:2]
    return tuple(kept)


def _meets(texts: Iterable[str], stem: str) -> bool:
    return any(touches(text, (stem,)) for text in texts)


def marks_of(text: str, wanted: Iterable[str], public: Sequence[str]) -> tuple[str, ...]:
    """Return the marks that are in the text and in none of the public ones; else its own words."""
    lines = [word_line(each) for each in public]
    own = word_line(text)

    def gives_away(mark: str) -> bool:
        return holds_mark(own, mark) and not any(holds_mark(line, mark) for line in lines)

    kept = [
        mark for mark in dict.fromkeys(one.strip() for one in wanted) if len(mark) >= MIN_WORD - 1
    ]
    good = [mark for mark in kept if gives_away(mark)]
    return tuple(good or [pair for pair in _pairs(text) if gives_away(pair)][:2])[:3]


def _pairs(text: str) -> list[str]:
    """Return two long words in a row, the longest first."""
    pairs = [
        f"{one} {other}"
        for sentence in _STOP.split(text)
        for one, other in pairwise(word_line(sentence).split())
        if len(one) + len(other) >= 2 * MIN_WORD
    ]
    return sorted(pairs, key=lambda pair: (-len(pair), pair))


def clause(text: str) -> str:
    """Return a text that goes on in a sentence: no full stop at its end."""
    return text.strip().rstrip(".!?").rstrip()


def reflected(text: str) -> str:
    """Return a fact given back: small first letter where it is no name, no full stop."""
    tidy = clause(text)
    first = tidy.split(maxsplit=1)[0] if tidy else ""
    return tidy[:1].lower() + tidy[1:] if first.lower() in _LOUD else tidy


def lines_of(texts: Iterable[str], seen: set[str]) -> tuple[str, ...]:
    """Return texts that were not seen before, without braces and stage directions; notes them."""
    found: list[str] = []
    for text in texts:
        tidy = " ".join(text.replace("{", "").replace("}", "").split())
        words = word_line(tidy)
        if tidy and words not in seen:
            seen.add(words)
            found.append(tidy)
    return tuple(found)
