"""Finds the phrases of the `signs_*.yaml` files in one pass over a turn.

They stand beside the acts of the analyzer, in its pattern language (explained in the data files).
Phrases are looked up by their first two words, so that a turn costs little more than its cutting
into words.
"""

from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from typing import NamedTuple

import msgspec

from services.scoring_worker.judging.words import Span, fold, sentences
from shared.contracts.dialogue import Act
from shared.dialogue.grammar import NEGATIONS, Phrase, Vocabulary, variants
from shared.dialogue.segments import TOKEN
from shared.dialogue.spelling import canonical_words, word_set
from shared.yaml_files import read_yaml

_START = "^ "
_OPENERS = word_set(
    "oh ah right alright yes yeah yep no hey look honestly hm hmm mm sure fine listen please and"
    " but so then or because okay well now sorry"
)
"""Words before the real beginning of a sentence."""


class _Pattern(NamedTuple):
    """One phrase, the sign that it is, and whether it must begin its sentence."""

    sign: str
    phrase: Phrase
    opens: bool


Words = frozenset[str] | None
"""A set of words of which one is needed; None: any will do."""

Candidate = tuple[Words, Words, _Pattern]
"""A pattern after two words, with what may come third and what the turn must hold."""

Follow = tuple[Mapping[str, tuple[Candidate, ...]], tuple[Candidate, ...]]
"""Candidates by the second word, and those before any other word."""

Signs = Mapping[str, Span]
"""The first place of every sign that a turn shows."""


class Scan(NamedTuple):
    """What one pass over a turn finds."""

    signs: Signs
    words: frozenset[str]
    """The words of the turn as patterns know them."""


class SignTable:
    """The phrases of one file, indexed."""

    def __init__(self, lines: Mapping[str, str]) -> None:
        """Index them.

        Raises:
            ValueError: a pattern begins with a gap or a stem, or a sign is named like an act.
        """
        self.signs = frozenset(lines)
        if not self.signs.isdisjoint(Act):
            raise ValueError("signs and acts are looked up together: no sign is named like an act")
        self._index = _index(lines)

    def known(self, names: Iterable[str]) -> frozenset[str]:
        """Return these names.

        Raises:
            ValueError: no such sign.
        """
        unknown = sorted(set(names) - self.signs)
        if unknown:
            raise ValueError(f"unknown signs: {', '.join(unknown)}")
        return frozenset(names)

    def scan(self, text: str) -> Scan:
        """Return the first place of every sign, as offsets of the text, and the words."""
        folded = fold(text)
        words = canonical_words(TOKEN.findall(folded))
        candidates: list[tuple[int, _Pattern]] = []
        index, held = self._index, frozenset(words)
        seconds, thirds = [*words[1:], ""], [*words[2:], "", ""]
        for number, word in enumerate(words):
            follow = index.get(word)
            if follow is None:
                continue
            for third, needed, pattern in follow[0].get(seconds[number], follow[1]):
                if (third is None or thirds[number] in third) and (
                    needed is None or not held.isdisjoint(needed)
                ):
                    candidates.append((number, pattern))
        signs = _confirm(text, words, candidates) if candidates else {}
        return Scan(signs, held)


def _confirm(
    text: str, words: list[str], candidates: list[tuple[int, _Pattern]]
) -> dict[str, Span]:
    """Match the whole phrases within their sentences."""
    found: dict[str, Span] = {}
    folded = fold(text)
    starts = [token.start() for token in TOKEN.finditer(folded)]
    parts = iter(sentences(text))
    part = next(parts, Span(0, 0))
    for number, pattern in candidates:
        if pattern.sign in found:
            continue
        start = starts[number]
        while part.end <= start:
            part = next(parts, Span(0, len(text)))
        match = pattern.phrase.regex.match(folded, start, part.end)
        if match and not _is_barred(pattern, starts, words, number, part.start):
            found[pattern.sign] = Span(start, match.end())
    return found


def _is_barred(
    pattern: _Pattern, starts: list[int], words: list[str], number: int, sentence: int
) -> bool:
    """Say whether the words before a phrase take it back, or it does not begin its sentence."""
    if not pattern.opens:
        return number > 0 and words[number - 1] in NEGATIONS and starts[number - 1] >= sentence
    while number > 0 and starts[number - 1] >= sentence:
        number -= 1
        if words[number] not in _OPENERS:
            return True
    return False


def _patterns(lines: Mapping[str, str]) -> Iterator[_Pattern]:
    vocabulary = Vocabulary({})
    for sign, text in lines.items():
        for line in text.splitlines():
            opens = line.startswith(_START)
            for variant in variants(line.removeprefix(_START)):
                yield _Pattern(sign, Phrase(variant, vocabulary), opens)


def _index(lines: Mapping[str, str]) -> dict[str, Follow]:
    firsts: dict[str, list[_Pattern]] = {}
    for pattern in _patterns(lines):
        for word in pattern.phrase.first_words():
            firsts.setdefault(word, []).append(pattern)
    return {word: _by_second(word, patterns) for word, patterns in firsts.items()}


def _by_second(first: str, patterns: list[_Pattern]) -> Follow:
    seconds = [(pattern.phrase.second_words(first), pattern) for pattern in patterns]
    known = frozenset().union(*(words for words, _ in seconds if words is not None))
    by_next = {
        word: tuple(
            _candidate((first, word), pattern)
            for words, pattern in seconds
            if words is None or word in words
        )
        for word in known
    }
    return by_next, tuple(_candidate((first,), p) for words, p in seconds if words is None)


def _candidate(before: tuple[str, ...], pattern: _Pattern) -> Candidate:
    third = pattern.phrase.following(before) if len(before) > 1 else None
    return third, pattern.phrase.needs()[0], pattern


def _load(*names: str) -> SignTable:
    lines: dict[str, str] = {}
    for name in names:
        source = resources.files("services.scoring_worker.judging.detectors").joinpath(name)
        raw = read_yaml(source)
        lines |= msgspec.convert(raw, dict[str, str])
    return SignTable(lines)


AGENT_SIGNS = _load("signs_good.yaml", "signs_bad.yaml")
"""What agents say."""

CUSTOMER_SIGNS = _load("signs_customer.yaml")
"""What customers say."""
