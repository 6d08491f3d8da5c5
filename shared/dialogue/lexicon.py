"""Loads `patterns.yaml` once and indexes its phrases by their first two words."""

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
import yaml

from shared.contracts.dialogue import Act
from shared.dialogue.grammar import Phrase, choice, variants

_CLOCK = (
    r"(?:by|before|within|at|until)\s+"
    r"(?:\d|noon|midday|one|two|three|four|five|six|seven|eight|nine|ten)"
)
_STRENGTH = {"+": 3, "-": 1}


class Start(StrEnum):
    """Where a phrase may begin; the value is its mark in `patterns.yaml`."""

    ANYWHERE = ""
    SENTENCE = "^"
    CLAUSE = "~"


class Pattern(msgspec.Struct, frozen=True, eq=False):
    """A phrase and the act that it shows (None for the beginnings of questions)."""

    phrase: Phrase
    act: Act | None = None
    strength: int = 2
    starts: Start = Start.ANYWHERE


class Follow(msgspec.Struct, frozen=True, eq=False):
    """The patterns that begin with one word, by the word after it."""

    by_next: Mapping[str, tuple[Pattern, ...]]
    """Everything that may match before this next word."""
    always: tuple[Pattern, ...]
    """What may match before any other word, or at the end."""

    def candidates(self, following: str) -> tuple[Pattern, ...]:
        """Return the patterns that may match before this next word (empty at the end)."""
        return self.by_next.get(following, self.always)


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
    stopwords: frozenset[str]
    plain_acronyms: frozenset[str]
    warm_words: frozenset[str]
    bitter_words: frozenset[str]


class _Source(msgspec.Struct, forbid_unknown_fields=True):
    classes: dict[str, list[str]]
    keeps_negation: list[Act]
    acts: dict[Act, list[str]]
    open_starts: list[str]
    narrow_starts: list[str]
    aux_starts: frozenset[str]
    subjects: frozenset[str]
    stopwords: frozenset[str]
    plain_acronyms: frozenset[str]
    warm_words: frozenset[str]
    bitter_words: frozenset[str]


def load_lexicon(path: Path) -> Lexicon:
    """Read and index a pattern file.

    Raises:
        msgspec.ValidationError: an unknown act or section.
        ValueError: a pattern that begins with a gap or a stem, or names an unknown class.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    raw: Any = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - both loaders are the safe ones
    source = msgspec.convert(raw, _Source)
    acts = (
        pattern
        for act, lines in source.acts.items()
        for line in lines
        for pattern in _patterns_of(act, line, source.classes)
    )
    open_starts = _index(_starts(source.open_starts, source.classes))
    narrow_starts = _index(_starts(source.narrow_starts, source.classes))
    return Lexicon(
        acts=_index(acts),
        keeps_negation=frozenset(source.keeps_negation),
        open_starts=open_starts,
        narrow_starts=narrow_starts,
        aux_starts=source.aux_starts,
        question_words=source.aux_starts | open_starts.keys() | narrow_starts.keys(),
        subjects=source.subjects,
        times=re.compile(rf"(?<!\w)(?:{choice('@time', source.classes)}|{_CLOCK})"),
        stopwords=source.stopwords,
        plain_acronyms=source.plain_acronyms,
        warm_words=source.warm_words,
        bitter_words=source.bitter_words,
    )


def _patterns_of(act: Act, line: str, classes: Mapping[str, list[str]]) -> Iterator[Pattern]:
    mark, _, rest = line.partition(" ")
    starts = Start(mark) if mark in {Start.SENTENCE, Start.CLAUSE} else Start.ANYWHERE
    body = line if starts is Start.ANYWHERE else rest
    strength = _STRENGTH.get(body[-1], 2)
    if body[-1] in _STRENGTH:
        body = body.rstrip(" +-")
    for variant in variants(body):
        yield Pattern(Phrase(variant, classes), act, strength, starts)


def _starts(lines: list[str], classes: Mapping[str, list[str]]) -> Iterator[Pattern]:
    for line in lines:
        for variant in variants(line):
            yield Pattern(Phrase(variant, classes))


def _index(patterns: Iterable[Pattern]) -> dict[str, Follow]:
    always: dict[str, list[Pattern]] = {}
    by_next: dict[str, dict[str, list[Pattern]]] = {}
    for pattern in patterns:
        for first, seconds in pattern.phrase.entries():
            anywhere = always.setdefault(first, [])
            followed = by_next.setdefault(first, {})
            if seconds is None:
                anywhere.append(pattern)
            for second in seconds or ():
                followed.setdefault(second, []).append(pattern)
    return {
        first: Follow(
            {second: (*found, *always[first]) for second, found in followed.items()},
            tuple(always[first]),
        )
        for first, followed in by_next.items()
    }


LEXICON = load_lexicon(Path(__file__).with_name("patterns.yaml"))
"""The lexicon of the embedded language, English."""
