"""The audit's data: expressions that no customer says, and look-alike characters."""

import re
from pathlib import Path

import msgspec

from shared.yaml_files import read_yaml


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`language.yaml` as it is written."""

    role_swap: tuple[str, ...]
    softened: tuple[str, ...]
    markup: tuple[str, ...]
    lookalikes: dict[str, str]
    """Characters by the one that they look like."""


_WORDY = re.compile(r"(?:\\b)?(?:([a-z])|\(([a-z][^()\\[\]?*+{}^$]*)\)(?![?*{]))")
"""How an expression starts that begins with one of some words."""
_FOLLOWED = "?*{"


def _read() -> Table:
    return msgspec.convert(read_yaml(Path(__file__).with_name("language.yaml")), Table)


def any_of(expressions: tuple[str, ...]) -> re.Pattern[str]:
    """Return one expression that finds what any of these finds, line by line.

    Those that begin with known words are tried where such a word may begin only: that is several
    times as fast.
    """
    parts: list[str] = []
    by_letters: dict[str, list[str]] = {}
    for item in expressions:
        letters = _first_letters(item)
        if letters:
            by_letters.setdefault(letters, []).append(item.removeprefix(r"\b"))
        else:
            parts.append(f"(?:{item})")
    groups = [
        f"(?=[{letters}])(?:{'|'.join(f'(?:{item})' for item in items)})"
        for letters, items in by_letters.items()
    ]
    if groups:
        parts.append(rf"\b(?:{'|'.join(groups)})")
    return re.compile("|".join(parts), re.MULTILINE)


def _first_letters(expression: str) -> str:
    """Return the letters that what is found can begin with; "" when that is not plain to see."""
    match = _WORDY.match(expression)
    if match is None or "|" in _outside_brackets(expression):
        return ""
    words = match[1] or match[2]
    if match[1] and expression[match.end() : match.end() + 1] in _FOLLOWED:
        return ""
    return "".join(sorted({word[0] for word in words.split("|") if word}))


def _outside_brackets(expression: str) -> str:
    """Return what of an expression stands in no brackets."""
    while (shorter := re.sub(r"\((?:[^()\\]|\\.)*\)|\\.|\[[^\]]*\]", "", expression)) != expression:
        expression = shorter
    return expression


TABLE = _read()
"""Everything in `language.yaml`."""
