"""Finds the numbers that a title or a brief names, by what they count."""

import re
from collections.abc import Iterator
from functools import cache

import msgspec

from shared.contracts.dialogue import QuantityKind

_BELOW_TEN = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = ("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
_ONES = ("zero", *_BELOW_TEN, "ten", "eleven", "twelve", *_TEENS)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_WORDS = (
    {word: value for value, word in enumerate(_ONES)}
    | {word: 10 * value for value, word in enumerate(_TENS, start=2)}
    | {
        f"{ten}-{one}": 10 * tens + ones
        for tens, ten in enumerate(_TENS, start=2)
        for ones, one in enumerate(_BELOW_TEN, start=1)
    }
    | {"a": 1, "an": 1, "hundred": 100, "thousand": 1000}
)
_NUMBER = (
    r"(?P<number>\d[\d,]*(?:\.\d+)?|"
    + "|".join(sorted(map(re.escape, _WORDS), key=len, reverse=True))
    + r")\b(?P<hundred>[ -](?:hundred|thousand)\b)?"
)
_UNITS: dict[str, tuple[QuantityKind, int]] = {
    "dollar": (QuantityKind.MONEY, 100),
    "cent": (QuantityKind.MONEY, 1),
    "%": (QuantityKind.PERCENT, 1),
    "percent": (QuantityKind.PERCENT, 1),
    "hour": (QuantityKind.HOURS, 1),
    "day": (QuantityKind.DAYS, 1),
    "week": (QuantityKind.DAYS, 7),
    "month": (QuantityKind.MONTHS, 1),
    "year": (QuantityKind.MONTHS, 12),
    "payment": (QuantityKind.MONTHS, 1),
    "installment": (QuantityKind.MONTHS, 1),
}
_MONEY = re.compile(r"\$ ?(?P<number>\d[\d,]*(?:\.\d+)?)")
_BETWEEN = rf"(?:(?!(?:{'|'.join(map(re.escape, _WORDS))})\b)[a-z]+[ -])??"
_RATED = re.compile(r"(?:\d|\b(?:once|twice|times|dollars?|cents?|percent|hundred|thousand))\s+$")


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A number in a text."""

    kind: QuantityKind
    value: int
    """Money in hundredths, weeks as seven days, years as twelve months."""
    start: int
    end: int


@cache
def _counted() -> "re.Pattern[str]":
    """Compile on first use: a process that lints nothing pays nothing."""
    return re.compile(
        rf"\b{_NUMBER}[ -]?{_BETWEEN}(?P<unit>{'|'.join(map(re.escape, _UNITS))})",
        re.IGNORECASE,
    )


def numbers(text: str) -> Iterator[Named]:
    """Yield the numbers of a text.

    One word may stand between a number and its unit (`six equal payments`).
    """
    for found in _MONEY.finditer(text):
        value = round(float(found["number"].replace(",", "")) * 100)
        yield Named(kind=QuantityKind.MONEY, value=value, start=found.start(), end=found.end())
    for found in _counted().finditer(text):
        if _is_rate(text[: found.start()], found["number"].lower()):
            continue
        kind, factor = _UNITS[found["unit"].lower()]
        value = round(_value(found) * factor)
        yield Named(kind=kind, value=value, start=found.start(), end=found.end())


def _is_rate(before: str, word: str) -> bool:
    """Say whether `a month` only says how often (`$39 a month`), or the number is money."""
    if before.rstrip().endswith("$"):
        return True
    return word in {"a", "an"} and _RATED.search(before) is not None


def _value(found: "re.Match[str]") -> float:
    word = found["number"].lower()
    number = float(_WORDS[word]) if word in _WORDS else float(word.replace(",", ""))
    scale = (found["hundred"] or "").strip(" -").lower()
    return number * {"hundred": 100, "thousand": 1000}.get(scale, 1)


def shown(kind: QuantityKind, value: int) -> str:
    """Return a number as a person writes it."""
    return f"${value / 100:,g}" if kind is QuantityKind.MONEY else f"{value} {kind}"
