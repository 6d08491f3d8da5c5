"""Compares the numbers of a sentence with those of its English."""

import re
import unicodedata
from functools import cache
from importlib import resources
from typing import Final

import msgspec

from shared.audit.numbers import counted, figures, known
from shared.yaml_files import read_yaml

_FIGURE: Final = re.compile(r"(?<![\w.,])\d+(?:[.,'\u2019 \u00a0\u202f]\d+)*")
_PARTS: Final = re.compile(r"[.,'\u2019 \u00a0\u202f]")
_CLOCK: Final = re.compile(r"\bp\.? ?m\b")
_WORD: Final = re.compile(r"[^\W\d_]+")
_ENDLESS: Final = re.compile(r"\d{40,}")
"""Nobody's amount; it only has to be the same."""
_FREE: Final = frozenset({"0", "1"})
"""`14 Uhr` is `14:00`; `ein`, `une` and `un` are articles as well."""


def agree(original: str, english: str, language: str) -> bool:
    """Say whether every number is kept and none is added, as far as figures show it.

    A figure may come back in words. An amount in words needs something that counts in the original.
    """
    if _ENDLESS.findall(original) != _ENDLESS.findall(english):
        return False
    original, english = _ENDLESS.sub("", original), _ENDLESS.sub("", english)
    heard = [_readings(match.group()) for match in _FIGURE.finditer(_plain_digits(original))]
    said = known(english)
    afternoon = _CLOCK.search(english.lower()) is not None
    if not all(_is_said(readings, said, afternoon=afternoon) for readings in heard):
        return False
    possible: frozenset[str] = frozenset().union(*heard)
    if afternoon:
        possible |= {_twelve(value) for value in possible}
    added = (figures(english) | counted(english)) - possible - _FREE
    return not added or may_count(original, language)


def may_count(text: str, language: str) -> bool:
    """Say whether a text may name a number in words; True for a language we know no words of."""
    if any(unicodedata.numeric(char, None) is not None for char in text if not char.isdigit()):
        return True
    stems = _stems().get(language.casefold().split("-")[0])
    return stems is None or any(word.startswith(stems) for word in _WORD.findall(text.casefold()))


def _is_said(readings: frozenset[str], said: frozenset[str], *, afternoon: bool) -> bool:
    if readings & said or readings & _FREE:
        return True
    return afternoon and any(_twelve(value) in said for value in readings)


def _twelve(value: str) -> str:
    hour = int(value) if value.isdigit() and len(value) <= 2 else 0
    return str(hour - 12) if 12 < hour < 24 else value


def _readings(figure: str) -> frozenset[str]:
    """Return what a figure can mean: `1.250` is a thousand or one and a quarter, by the country."""
    parts = _PARTS.split(figure)
    found: set[str] = set()
    if all(len(part) == 3 for part in parts[1:]):
        found.add("".join(parts))
    elif "," not in figure:  # a date, a time, figures that stand side by side
        found.update(parts)
    if len(parts) > 1:
        found.add("".join(parts[:-1]) + "." + parts[-1])
    return frozenset(_canonical(value) for value in found)


def _canonical(value: str) -> str:
    whole, _, part = value.partition(".")
    whole, part = whole.lstrip("0") or "0", part.rstrip("0")
    return f"{whole}.{part}" if part else whole


def _plain_digits(text: str) -> str:
    if text.isascii():
        return text
    return "".join(str(unicodedata.digit(char)) if char.isdecimal() else char for char in text)


@cache
def _stems() -> dict[str, tuple[str, ...]]:
    source = resources.files("shared.rendering").joinpath("number_words.yaml")
    lines = msgspec.convert(read_yaml(source), dict[str, str])
    return {tag: tuple(stems.split()) for tag, stems in lines.items()}
