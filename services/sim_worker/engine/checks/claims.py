"""What a line states: numbers, days, names and codes, and whether anybody gave them."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import msgspec

from services.sim_worker.engine.checks.table import DAYS, WORDS
from shared.audit.language import plain, words
from shared.audit.numbers import MIN_DIGITS, counted, figures, known, spelled

_FREE: Final = frozenset({"0", "1", "2", "100", "1000"})
"""Figures that people use without meaning them."""
_SMALL: Final = 12
"""Numbers in words up to this stand in ordinary speech (`one of them`, `five minutes`)."""
_TITLE: Final = re.compile(r"\b(Mr|Mrs|Ms|Dr|St)\.")
_NAME: Final = re.compile(r"(?<=[^\s.!?\u2026:\"\u201c'\u2018(\-]\s)[A-Z][\w'\u2019-]*")
_CODE: Final = re.compile(r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[a-z])[\w-]{3,}(?![\w-])")
_GROUPED: Final = re.compile(r"\d(?:[.,'\u2019 \u00a0\u202f]?\d)*")
_ORDINAL: Final = re.compile(r"\d+(?:st|nd|rd|th|k|am|pm|h|x|s|%)|\d+-[a-z]+")


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What may be claimed, or what is."""

    numbers: frozenset[str]
    words: frozenset[str]
    """In plain letters: names and days are looked up among them."""
    figures: frozenset[str]
    """Long figures without what groups them: `60614` of `60 614`, `1890` of `$18.90`."""


def given(texts: Iterable[str]) -> Claims:
    """Return what these texts give: every number and every word."""
    found = [given_by(text) for text in texts]
    return Claims(
        numbers=frozenset().union(*(each.numbers for each in found)),
        words=frozenset().union(*(each.words for each in found)),
        figures=frozenset().union(*(each.figures for each in found)),
    )


def invented(line: str, free: Iterable[Claims]) -> bool:
    """Say whether a line names a number, a day, a name or a code that is given in none of
    `free`; of these no more is asked for than it takes.
    """
    numbers = stated_numbers(line) - _FREE
    said = codes(line) | names(line) | days(line)
    for claims in free if numbers or said else ():
        numbers -= claims.numbers
        said -= claims.words
        if not (numbers or said):
            return False
    return bool(numbers or said)


def invented_figure(line: str, free: Iterable[Claims]) -> bool:
    """Say the same of long figures only: all that can be told in a language we cannot read."""
    return not grouped(line) <= frozenset().union(*(claims.figures for claims in free))


def lost_values(line: str, wanted: str, *, has_names: bool) -> bool:
    """Say whether a line leaves out a number or code of the text, or with `has_names` a name."""
    told = known(line)
    if not (figures(wanted) | counted(wanted)) <= told | _FREE:
        return True
    said = frozenset(words(line))
    kept = codes(wanted) | (names(wanted) if has_names else frozenset())
    return not kept <= said | codes(line)


def lost_figure(line: str, wanted: str) -> bool:
    """Say whether a line in a language we cannot read leaves out a long figure of the text."""
    return not grouped(wanted) <= grouped(line)


@lru_cache(maxsize=4096)
def grouped(text: str) -> frozenset[str]:
    """Return the long figures of a text, whatever groups them."""
    runs = (re.sub(r"\D", "", match.group()) for match in _GROUPED.finditer(text))
    return frozenset(run for run in runs if len(run) >= MIN_DIGITS)


def stated_numbers(line: str) -> frozenset[str]:
    """Return the numbers that a line names and that mean something."""
    large = (value for value in spelled(line) if int(value) > _SMALL)
    return frozenset({*figures(line), *large})


@lru_cache(maxsize=2048)
def names(line: str) -> frozenset[str]:
    """Return the words within sentences that are written like a name, in plain letters."""
    read = _TITLE.sub(r"\1", line)
    found = (match.group() for match in _NAME.finditer(read))
    lowered = {plain(word).partition("'")[0].strip("-") for word in found if not _is_shouted(word)}
    parts = {part for word in lowered for part in word.split("-")}
    return frozenset(part for part in parts if part and part not in WORDS.free_names)


def days(line: str) -> frozenset[str]:
    """Return the days, months and holidays that a line names."""
    return frozenset(match.group() for match in DAYS.finditer(plain(line)))


def codes(line: str) -> frozenset[str]:
    """Return what mixes letters and figures, parts that hyphens join apart."""
    found = (match.group() for match in _CODE.finditer(plain(line)))
    return frozenset(
        part
        for code in found
        if not _ORDINAL.fullmatch(code)
        for part in code.split("-")
        if any(map(str.isdigit, part)) and not part.isdigit()
    )


def _is_shouted(word: str) -> bool:
    return len(word) > 1 and word.isupper()


@lru_cache(maxsize=8192)
def given_by(text: str) -> Claims:
    """Return what one text gives."""
    said = {*words(text), *(day.removesuffix("s") for day in days(text))}
    return Claims(numbers=known(text), words=frozenset(said | days(text)), figures=grouped(text))
