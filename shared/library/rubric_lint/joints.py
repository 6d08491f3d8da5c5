"""Finds where a title joins two things: two behaviors, two questions, or two of anything."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Literal

import msgspec

from shared.library.rubric_lint.terms import any_of, load_terms, noun_words, pattern, verb_forms

Kind = Literal["behaviors", "questions", "things"]

_JOINT = re.compile(
    r"\s+(?:and\s*/\s*or|and|or|then|plus|but|as well as|&|\+)\s+"
    r"|\s*[,;]\s+(?:(?:and|or|then|but)\s+)?"
    r"|(?<=[^\W\d])\s*/\s*(?=[^\W\d])",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")  # noqa: RUF001 - people type both apostrophes
_QUOTED = re.compile(r"\([^()]*\)|“[^“”]*”|\"[^\"]*\"")
_QUESTION = re.compile(r"\?\s*(?=\S)")
_BETWEEN = re.compile(r"\bbetween\s+\S+\s+and\b", re.IGNORECASE)
_LY = re.compile(r"\w{3,}ly$")


class Joint(msgspec.Struct, frozen=True):
    """Where a title joins two things."""

    kind: Kind
    word: str
    """What joins them: `and`, `,`, `/`."""


class _Part(msgspec.Struct, frozen=True):
    words: tuple[str, ...]
    """After lead-ins (`the agent then`), lower case."""
    opener: str
    """The first word of all."""

    @property
    def forms(self) -> frozenset[str]:
        """The verb forms that its first word can be."""
        return verb_forms().get(self.words[0], frozenset()) if self.words else frozenset()


def find_joint(title: str) -> Joint | None:
    """Return the gravest joint of a title: two questions, then two behaviors, then two things."""
    if _QUESTION.search(title):
        return Joint("questions", "?")
    text = _without_asides(title)
    found = list(_joints(text, asks=title.rstrip().endswith("?")))
    order: tuple[Kind, ...] = ("questions", "behaviors", "things")
    return min(found, key=lambda joint: order.index(joint.kind), default=None)


def _joints(text: str, *, asks: bool) -> Iterator[Joint]:
    marks = list(_JOINT.finditer(text))
    edges = [0, *(edge for mark in marks for edge in mark.span()), len(text)]
    parts = [_part(text[a:b]) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    for mark, left, right in zip(marks, parts, parts[1:], strict=False):
        kind = _kind(parts[0], left, right, asks=asks)
        if kind is not None:
            yield Joint(kind, mark.group().strip() or "and")


def _kind(first: _Part, left: _Part, right: _Part, *, asks: bool) -> Kind | None:
    clauses = load_terms().clauses
    if not left.words or not right.words or {left.opener, right.opener} & clauses:
        return None
    if asks and (right.opener in load_terms().openers or _both_act(first, right)):
        return "questions"
    return "behaviors" if _both_act(first, right) else "things"


def _both_act(first: _Part, right: _Part) -> bool:
    """Say whether both parts begin with a verb in the same form.

    The last word of `Explains prices and offers` may be a noun; of `Greets and thanks` it is none.
    """
    if right.words[0] in noun_words() and len(right.words) == 1 and len(first.words) > 1:
        return False
    return bool(first.forms & right.forms)


def _part(text: str) -> _Part:
    words = [word.replace("\u2019", "'") for word in _WORD.findall(text.lower())]
    lead_ins = load_terms().lead_ins
    start = 0
    while start < len(words) - 1 and (words[start] in lead_ins or _is_adverb(words[start])):
        start += 1
    return _Part(tuple(words[start:]), words[0] if words else "")


def _is_adverb(word: str) -> bool:
    return _LY.match(word) is not None and word not in verb_forms()


def _without_asides(title: str) -> str:
    text = _QUOTED.sub(" ", title)
    aside = _asides().search(text)
    if aside is not None:
        text = text[: aside.start()]
    text = pattern("idioms").sub("idiom", text)
    return _BETWEEN.sub("idiom", text)


@cache
def _asides() -> "re.Pattern[str]":
    return any_of(load_terms().asides)
