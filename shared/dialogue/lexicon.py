"""Loads `words.yaml` and `acts_*.yaml` once and indexes their phrases by the first two words."""

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from shared.contracts.dialogue import Act, Topic
from shared.dialogue.grammar import Phrase, Vocabulary, variants
from shared.dialogue.spelling import NUMBER
from shared.yaml_files import read_yaml

_CLOCK = (
    r"(?:by|before|within|at|until)\s+"
    r"(?:\d|noon|midday|one|two|three|four|five|six|seven|eight|nine|ten)"
)
_SPAN = (
    r"(?:in|within|for|after) (?:(?:a|the|about|around|next|few|couple of) ){0,3}"
    rf"(?:{NUMBER} )?"
    r"(?:working |business )?(?:minutes?|hours?|days?|weeks?|months?|moments?)\b"
    r"|\d{1,2}(?:st|nd|rd|th)\b|now\b|right (?:away|after)|straight away|immediately|as soon as"
    r"|once (?:it|the|you|we|they|i)\b|after (?:this|the|our) call|overnight"
    r"|every (?:day|morning|evening|friday|monday)|when we hang up"
)
_STRENGTH = {"+": 3, "-": 1}
TOPIC_STEM = 5
"""Letters by which a word of a topic is known; shorter words must be whole."""


class Start(StrEnum):
    """Where a phrase may begin; the value is its mark in the pattern files."""

    ANYWHERE = ""
    SENTENCE = "^"
    CLAUSE = "~"


_MARKS = {f"{start} ": start for start in (Start.SENTENCE, Start.CLAUSE)}


class Pattern(msgspec.Struct, frozen=True, eq=False):
    """A phrase and the act that it shows (None for the beginnings of questions)."""

    phrase: Phrase
    act: Act | None = None
    strength: int = 2
    starts: Start = Start.ANYWHERE


Candidate = tuple[frozenset[str] | None, frozenset[str] | None, Pattern]
"""A pattern with two sets of words; its sentence must hold one of each (None: no such set)."""


class Choice:
    """The patterns that may match at two words; many are sorted by the third, when first needed."""

    __slots__ = ("__dict__", "_many", "_pair", "candidates")

    def __init__(self, pair: tuple[str, ...], candidates: tuple[Candidate, ...]) -> None:
        """Take the candidates in the order of the pattern files, and the words before them."""
        self._pair = pair
        self._many = len(candidates) > _FEW and len(pair) > 1
        self.candidates = candidates

    def before(self, third: str) -> tuple[Candidate, ...]:
        """Return the candidates that may match before a third word."""
        if not self._many or "-" in third:
            return self.candidates
        by_third, always = self._sorted
        return by_third.get(third, always)

    @cached_property
    def _sorted(self) -> tuple[dict[str, tuple[Candidate, ...]], tuple[Candidate, ...]]:
        thirds = [pattern.phrase.following(self._pair) for _, _, pattern in self.candidates]
        known: frozenset[str] = frozenset().union(*filter(None, thirds))
        pairs = tuple(zip(thirds, self.candidates, strict=True))
        by_third = {
            word: tuple(found for words, found in pairs if words is None or word in words)
            for word in known
        }
        return by_third, tuple(found for words, found in pairs if words is None)


_FEW = 4
"""Candidates that are tested one after the other."""


class Follow:
    """The patterns that begin with one word, by the word after it; sorted when first needed."""

    def __init__(self, first: str, patterns: list[Pattern]) -> None:
        self._first = first
        self._patterns = patterns

    def candidates(self, following: str) -> tuple[Candidate, ...]:
        """Return the patterns that may match before this next word (empty at the end)."""
        by_next, always = self.choices
        choice = by_next.get(following, always)
        return choice.candidates if choice else ()

    @cached_property
    def choices(self) -> tuple[dict[str, Choice], Choice | None]:
        """The patterns by the next word, and those before any other word (None: there are none)."""
        always: list[Candidate] = []
        followed: dict[str, list[Candidate]] = {}
        for pattern in self._patterns:
            seconds = pattern.phrase.second_words(self._first)
            candidate = (*pattern.phrase.needs(), pattern)
            if seconds is None:
                always.append(candidate)
            for second in seconds or ():
                followed.setdefault(second, []).append(candidate)
        by_next = {
            second: Choice((self._first, second), (*found, *always))
            for second, found in followed.items()
        }
        return by_next, Choice((self._first,), tuple(always)) if always else None


class Lexicon(msgspec.Struct, frozen=True, kw_only=True):
    """The compiled data."""

    acts: Mapping[str, Follow]
    keeps_negation: frozenset[Act]
    open_starts: Mapping[str, Follow]
    narrow_starts: Mapping[str, Follow]
    aux_starts: frozenset[str]
    question_words: frozenset[str]
    """Every word that can begin a question: a quick test before the patterns."""
    subjects: frozenset[str]
    times: re.Pattern[str]
    """A day, an hour or a deadline: what makes a promise concrete."""
    moments: re.Pattern[str]
    """The same, or a stretch of time or an event after which something happens."""
    stopwords: frozenset[str]
    plain_acronyms: frozenset[str]
    warm_words: frozenset[str]
    bitter_words: frozenset[str]
    topics: Mapping[str, Topic]
    """Topics by their words, cut to `TOPIC_STEM` letters."""


class _Words(msgspec.Struct, forbid_unknown_fields=True):
    classes: dict[str, str]
    open_starts: str
    narrow_starts: str
    keeps_negation: str
    aux_starts: str
    subjects: str
    stopwords: str
    plain_acronyms: str
    warm_words: str
    bitter_words: str
    topics: dict[Topic, str]


class _Acts(msgspec.Struct, forbid_unknown_fields=True):
    acts: dict[Act, str]


def load_lexicon(folder: Path) -> Lexicon:
    """Read and index the pattern files of a folder.

    Raises:
        msgspec.ValidationError: an unknown act or section.
        ValueError: a pattern that begins with a gap or a stem, or names an unknown class.
    """
    words = msgspec.convert(_read(folder / "words.yaml"), _Words)
    vocabulary = Vocabulary({name: text.split(", ") for name, text in words.classes.items()})
    sources = [
        msgspec.convert(_read(path), _Acts).acts for path in sorted(folder.glob("acts_*.yaml"))
    ]
    acts = (
        pattern
        for source in sources
        for act, lines in source.items()
        for line in lines.splitlines()
        for pattern in _patterns_of(act, line, vocabulary)
    )
    open_starts = _index(_starts(words.open_starts, vocabulary))
    narrow_starts = _index(_starts(words.narrow_starts, vocabulary))
    aux_starts = frozenset(words.aux_starts.split())
    times = rf"{vocabulary.choice('@time')}|{_CLOCK}"
    return Lexicon(
        acts=_index(acts),
        keeps_negation=frozenset(map(Act, words.keeps_negation.split())),
        open_starts=open_starts,
        narrow_starts=narrow_starts,
        aux_starts=aux_starts,
        question_words=aux_starts | open_starts.keys() | narrow_starts.keys(),
        subjects=frozenset(words.subjects.split()),
        times=re.compile(rf"(?<!\w)(?:{times})"),
        moments=re.compile(rf"(?<!\w)(?:{times}|{_SPAN})"),
        stopwords=frozenset(words.stopwords.split()),
        plain_acronyms=frozenset(words.plain_acronyms.split()),
        warm_words=frozenset(words.warm_words.split()),
        bitter_words=frozenset(words.bitter_words.split()),
        topics={
            word[:TOPIC_STEM]: topic
            for topic, text in words.topics.items()
            for word in text.split()
        },
    )


def _read(path: Path) -> Any:
    return read_yaml(path)


def _patterns_of(act: Act, line: str, vocabulary: Vocabulary) -> Iterator[Pattern]:
    starts = _MARKS.get(line[:2], Start.ANYWHERE)
    body = line[2:] if starts else line
    strength = _STRENGTH.get(body[-1], 2)
    if body[-1] in _STRENGTH:
        body = body.rstrip(" +-")
    for variant in variants(body):
        yield Pattern(Phrase(variant, vocabulary), act, strength, starts)


def _starts(lines: str, vocabulary: Vocabulary) -> Iterator[Pattern]:
    for line in lines.splitlines():
        for variant in variants(line):
            yield Pattern(Phrase(variant, vocabulary))


def _index(patterns: Iterable[Pattern]) -> dict[str, Follow]:
    index: dict[str, list[Pattern]] = {}
    for pattern in patterns:
        for first in pattern.phrase.first_words():
            if first in index:
                index[first].append(pattern)
            else:
                index[first] = [pattern]
    return {first: Follow(first, found) for first, found in index.items()}


LEXICON = load_lexicon(Path(__file__).parent)
"""The lexicon of the embedded language, English."""
