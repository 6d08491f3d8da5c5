"""Loads `phrases.yaml` once, at import; it is checked when read."""

import re
from collections.abc import Iterable, Iterator
from importlib import resources
from itertools import groupby

import msgspec

from shared.contracts.base import Authored
from shared.yaml_files import read_yaml


class _Phrases(Authored, frozen=True, kw_only=True):
    """The file as it is written; the comments in it say what each list is for."""

    feelings: dict[str, list[str]]
    negated: list[str]
    repeated: list[str]
    refused: list[str]
    settled: list[str]
    asks: list[str]
    commitment: list[str]
    vague: list[str]
    gloss: list[str]
    dead_end: list[str]
    secret: list[str]
    secret_warning: list[str]
    account_detail: list[str]


def _load(name: str) -> object:
    source = resources.files("services.scoring_worker.judging").joinpath(name)
    return read_yaml(source)


_WORD_START = r"\b"


def either(entries: Iterable[str]) -> re.Pattern[str]:
    """Compile a list of alternatives; made for text in lower case with straight apostrophes.

    Neighbors that begin at a word share the look for its start: between words they cost one test.
    """
    alternatives = (part for entry in entries for part in _alternatives(entry))
    groups = (
        rf"\b(?:{'|'.join(part.removeprefix(_WORD_START) for part in group)})"
        if at_word
        else "|".join(group)
        for at_word, group in groupby(alternatives, key=_begins_at_word)
    )
    return re.compile("|".join(groups))


def _begins_at_word(alternative: str) -> bool:
    return alternative.startswith(_WORD_START)


_HEAD = re.compile(r" *([a-z ]*)(?![?*+{])")


def heads(expression: str) -> tuple[str, ...]:
    """Return the letters with which the alternatives begin: whatever matches holds one of them."""
    found = (_HEAD.match(part) for part in _alternatives(expression))
    return tuple([head[1].rstrip() for head in found if head is not None])


_PART = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[()|]|[^\\\[()|]+", re.DOTALL)
"""A piece of an expression: an escape, a set, a parenthesis, a bar, or plain characters."""


def _alternatives(entry: str) -> Iterator[str]:
    """Yield what stands between the bars of an expression that are in no group."""
    depth, parts = 0, [""]
    for piece in _PART.findall(entry):
        depth += (piece == "(") - (piece == ")")
        if piece == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += piece
    yield from parts


PHRASES = msgspec.convert(_load("phrases.yaml"), _Phrases)
"""Regular expressions by purpose."""
