"""The phrases of `style_*.yaml`, found in the tokens of a turn in one pass."""

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from importlib import resources
from itertools import groupby
from typing import NamedTuple

import msgspec

from services.scoring_worker.judging.behaviors.utterance import words_of
from shared.contracts.base import Authored
from shared.yaml_files import read_yaml

SENTENCE_ENDS = frozenset({".", "?", "!", "...", "\n"})
"""Tokens after which a sentence begins."""
_OPENS = "^"
"""Before a phrase in the files: only at the start of a sentence."""
_FILES = ("style_courtesy.yaml", "style_stance.yaml", "style_feeling.yaml")

Match = tuple[str, int, int]
"""Manner, position of the first token, one past the last; a bare tuple, for there are many."""


class Manner(Authored, frozen=True, kw_only=True):
    """One kind of phrase, as it is written in the files."""

    means: str
    """What a turn does that holds such a phrase; one line."""
    says: str
    """The phrases between commas, in any spelling that people use."""
    polarity: int = 0
    """1 bright, -1 dark, 2 and -2 strongly so; 0 says nothing about that."""


class Tail(NamedTuple):
    """The end of a phrase, after its first token."""

    rest: tuple[str, ...]
    manner: str


class Phrases(NamedTuple):
    """Phrases by their first token."""

    single: dict[str, tuple[str, ...]]
    """Manners of a token by itself."""
    longer: dict[str, dict[str, list[Tail]]]
    """Longer phrases, by first and second token."""


class Lexicon(NamedTuple):
    """All phrases, ready for the search."""

    manners: dict[str, Manner]
    anywhere: Phrases
    opening: Phrases
    """Phrases that count only at the start of a sentence."""


@cache
def lexicon() -> Lexicon:
    """Read the files, once."""
    folder = resources.files("services.scoring_worker.judging.behaviors")
    found = Lexicon({}, Phrases({}, {}), Phrases({}, {}))
    for name in _FILES:
        entries = read_yaml(folder.joinpath(name))
        found.manners.update(msgspec.convert(entries, dict[str, Manner]))
    for key, manner in found.manners.items():
        for phrase in _phrases(manner.says):
            opens = phrase[0] == _OPENS
            _enter(found.opening if opens else found.anywhere, phrase[opens:], key)
    return found


def _phrases(says: str) -> Iterator[tuple[str, ...]]:
    """Yield the tokens of each phrase; the list is read as one text, which is faster."""
    for is_comma, words in groupby(words_of(says), key=",".__eq__):
        if not is_comma:
            yield tuple(words)


def _enter(phrases: Phrases, words: tuple[str, ...], manner: str) -> None:
    first, *rest = words
    if not rest:
        known = phrases.single.get(first, ())
        phrases.single[first] = known if manner in known else (*known, manner)
        return
    tails = phrases.longer.setdefault(first, {}).setdefault(rest[0], [])
    tail = Tail(tuple(rest), manner)
    if tail not in tails:
        tails.append(tail)


@lru_cache(maxsize=64)
def matches(tokens: tuple[str, ...]) -> tuple[Match, ...]:
    """Return every phrase in the tokens, in order of its first token; phrases may overlap.

    The last few turns are remembered: first they are judged, then the words are quoted.
    """
    _, anywhere, opening = lexicon()
    single, longer = anywhere
    found: list[Match] = []
    opens = True
    last = len(tokens) - 1
    for start, token in enumerate(tokens):
        if opens:
            _match_at(opening, tokens, start, found)
        opens = token in SENTENCE_ENDS
        if token in single:
            found.extend([(manner, start, start + 1) for manner in single[token]])
        if token in longer and start < last:
            tails = longer[token].get(tokens[start + 1])
            if tails is not None:
                _match_tails(tails, tokens, start, found)
    return tuple(found)


def _match_at(phrases: Phrases, tokens: Sequence[str], start: int, found: list[Match]) -> None:
    token = tokens[start]
    found.extend([(manner, start, start + 1) for manner in phrases.single.get(token, ())])
    if token in phrases.longer and start + 1 < len(tokens):
        _match_tails(phrases.longer[token].get(tokens[start + 1], []), tokens, start, found)


def _match_tails(tails: list[Tail], tokens: Sequence[str], start: int, found: list[Match]) -> None:
    for rest, manner in tails:
        end = start + 1 + len(rest)
        if tokens[start + 1 : end] == rest:
            found.append((manner, start, end))
