"""Numbers that a line names, for comparison with those that the conversation knows."""

import re
from functools import lru_cache

from shared.audit.language import plain

_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_VALUES = {word: value for value, word in enumerate(_ONES)} | {
    word: 10 * value for value, word in enumerate(_TENS, start=2)
}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
_WORD = "|".join((*_VALUES, *_SCALES))
_SPELLED = re.compile(rf"\b(?:{_WORD})(?:(?: and |[ -])(?:{_WORD}))*\b")
_FIGURE = r"\d[\d,]*(?:\.\d+)?"
_FIGURES = re.compile(rf"(?<![\w.]){_FIGURE}(?:st|nd|rd|th|k)?")
_COUNTED = re.compile(
    rf"\$ ?(?P<money>{_FIGURE})"
    rf"|(?P<spelled>\b(?:{_WORD})(?:(?: and |[ -])(?:{_WORD}))*) (?:dollars|bucks|percent)\b"
    rf"|(?<![\w.$])(?P<figure>{_FIGURE}) ?(?:%|(?:dollars|bucks|cents|percent"
    r"|(?:(?:business|working) )?(?:days?|weeks?|months?|years?))\b)"
)
_FREE = frozenset({"0", "1", "100"})
"""Values of figures of speech (`a hundred percent`)."""
_ROUND = frozenset(_SCALES)
MIN_DIGITS = 3
"""Figures shorter than this are in other lines by accident."""


@lru_cache(maxsize=8192)
def known(text: str) -> frozenset[str]:
    """Return every number of a text, in figures or in words, as a plain figure.

    People round: of an amount with cents, the whole part and the next number are known too.
    """
    read = plain(text)
    named = figures(text)
    whole = {int(number.partition(".")[0]) for number in named if "." in number}
    rounded = (str(number + more) for number in whole for more in (0, 1))
    spelled = (_spelled(match.group()) for match in _SPELLED.finditer(read))
    single = (str(value) for word, value in _VALUES.items() if word in read)
    return frozenset({*named, *rounded, *spelled, *single})


@lru_cache(maxsize=8192)
def figures(text: str) -> frozenset[str]:
    """Return the numbers of a text that are written in figures."""
    return frozenset(_figure(match.group()) for match in _FIGURES.finditer(plain(text)))


def spelled(text: str) -> frozenset[str]:
    """Return the numbers of a text that are written in words, as plain figures.

    Bare scales (`a hundred`, `millions`) and words of one figure (`nobody`) are left out.
    """
    found = (match.group() for match in _SPELLED.finditer(plain(text)))
    return frozenset(_spelled(words) for words in found if words not in _ROUND)


def long_figures(text: str) -> frozenset[str]:
    """Return the figures that nobody says by accident."""
    return frozenset(x for x in figures(text) if sum(map(str.isdigit, x)) >= MIN_DIGITS)


def counted(text: str) -> frozenset[str]:
    """Return the amounts of money, percentages and lengths of time that a line states.

    Figures of speech (`a hundred percent`, `a million dollars`) are left out.
    """
    found = set()
    for match in _COUNTED.finditer(plain(text)):
        spelled = match["spelled"]
        if spelled is None:
            found.add(_figure(match["money"] or match["figure"]))
        elif spelled not in _ROUND:
            found.add(_spelled(spelled))
    return frozenset(found - _FREE)


def _figure(text: str) -> str:
    factor = 1000 if text.endswith("k") else 1
    number = text.rstrip("stndrhk").replace(",", "").rstrip(".")
    whole, _, part = number.partition(".")
    part = part.rstrip("0")
    if part:
        return f"{int(whole)}.{part}"
    return str(int(whole) * factor)


def _spelled(text: str) -> str:
    """Return the value of a number in words."""
    total = current = 0
    for word in re.split(r"[ -]", text):
        if word in _VALUES:
            current += _VALUES[word]
        elif word == "hundred":
            current = max(1, current) * 100
        elif word in _SCALES:
            total += max(1, current) * _SCALES[word]
            current = 0
    return str(total + current)
