"""Reads the numbers that a turn names: money, percent, hours, days and months."""

import re

from shared.contracts.dialogue import Quantity, QuantityKind
from shared.dialogue.segments import fold
from shared.dialogue.spelling import NUMBER_VALUES

_SMALL = "|".join(sorted((*NUMBER_VALUES, "zero"), key=len, reverse=True))
_SCALES = {"hundred": 100, "thousand": 1000}
_FIGURES = r"\d{1,9}(?:,\d{3}){0,3}(?:\.\d{1,4})?"
_IN_WORDS = (
    rf"(?:(?:an?|{_SMALL})(?:[ -](?:{_SMALL}))?[ -](?:hundred|thousand)|{_SMALL})"
    rf"(?:[ -](?:and )?(?:{_SMALL}|hundred|thousand)){{0,3}}"
)
_AMOUNT = rf"(?P<amount>{_FIGURES}|(?:{_IN_WORDS})(?![\w-]))"
_UNITS: tuple[tuple[str, QuantityKind, int], ...] = (
    (
        r"(?:us )?(?:dollars?|bucks?|euros?|pounds?|quid|francs?|usd|eur|gbp)",
        QuantityKind.MONEY,
        100,
    ),
    (r"(?:cents?|pence)", QuantityKind.MONEY, 1),
    (r"(?:percent|per cent)", QuantityKind.PERCENT, 1),
    (r"(?:hours?|hrs?)", QuantityKind.HOURS, 1),
    (
        r"(?:(?:working|business|calendar|full|whole|more|extra) )?(?:days?|nights?)",
        QuantityKind.DAYS,
        1,
    ),
    (r"(?:(?:full|whole|more|extra) )?weeks?", QuantityKind.DAYS, 7),
    (r"(?:(?:full|whole|more|extra) )?months?", QuantityKind.MONTHS, 1),
    (r"(?:(?:full|whole|more|extra) )?(?:years?|yrs?)", QuantityKind.MONTHS, 12),
)
_UNIT = "|".join(f"(?P<u{number}>{unit})" for number, (unit, _, _) in enumerate(_UNITS))
_PARTS = (
    r"(?:(?:equal|monthly|even|small|smaller|separate) ){0,2}"
    r"(?:payments?|instal?lments?|rates|parts)"
)
_NAMED = re.compile(
    rf"(?<![\w.,$€£-])(?:(?P<sign>[$€£]) ?(?P<marked>{_FIGURES})(?P<kilo>k)?(?!\w)"
    rf"|(?P<split>(?:in|over|into|across) ){_AMOUNT.replace('amount', 'parts')} {_PARTS}\b"
    rf"|{_AMOUNT}(?:(?P<pct> ?%)|(?P<after> ?[€£$])(?![\w])|[ -]?(?:{_UNIT})(?!\w)"
    r"|(?P<rate> (?:a|per|every|each) (?:month|week|year)\b|/(?:month|mo|week)\b)))"
)
_DIGIT = re.compile(r"\d")
_COUNTING = (*NUMBER_VALUES, *_SCALES, "zero")
"""Words of which a number without figures holds one."""
_MEASURES = (
    *("$", "€", "£", "%", "/mo", "/week", "dollar", "buck", "euro", "pound", "quid", "franc"),
    *("usd", "eur", "gbp", "cent", "pence", "hour", "hr", "day", "night", "week", "month", "year"),
    *("yr", "payment", "instal", "rates", "parts"),
)
"""Signs and stems of all units, rhythms and parts, one of which every quantity holds."""
_LARGEST = 10**12
"""Larger numbers are nobody's offer."""


def quantities(text: str) -> tuple[Quantity, ...]:
    """Return the quantities of a text in order of appearance; linear in its length.

    A bare number with a rhythm (`80 a month`) is money. `half an hour` is left out.
    """
    folded = fold(text)
    if not _may_count(folded):
        return ()
    found = (_quantity(match) for match in _NAMED.finditer(folded))
    return tuple(quantity for quantity in found if quantity is not None)


def _may_count(folded: str) -> bool:
    """Say whether a text holds a number and a unit at all: most turns do not."""
    numbered = _DIGIT.search(folded) or any(word in folded for word in _COUNTING)
    return bool(numbered) and any(word in folded for word in _MEASURES)


def _quantity(match: re.Match[str]) -> Quantity | None:
    groups = match.groupdict()
    number = groups["marked"] or groups["parts"] or groups["amount"]
    hundredths = _hundredths(number) * (1000 if groups["kilo"] else 1)
    kind, factor = _kind(groups)
    value = hundredths * factor // 100
    if value > _LARGEST:
        return None
    end = match.end() - len(groups["rate"] or "")
    return Quantity(kind=kind, value=value, start=match.start(), end=end)


def _kind(groups: dict[str, str | None]) -> tuple[QuantityKind, int]:
    """Return what is counted, and how much one of it is worth."""
    if groups["split"]:
        return QuantityKind.MONTHS, 1
    if groups["pct"]:
        return QuantityKind.PERCENT, 1
    for number, (_, kind, factor) in enumerate(_UNITS):
        if groups[f"u{number}"]:
            return kind, factor
    return QuantityKind.MONEY, 100


def _hundredths(number: str) -> int:
    """Return a number in figures or words, times one hundred."""
    if number[0].isdigit():
        whole, _, part = number.replace(",", "").partition(".")
        return int(whole) * 100 + int(f"{part}00"[:2])
    return 100 * _in_words(re.split(r"[ -]", number))


def _in_words(words: list[str]) -> int:
    total = current = 0
    for word in words:
        if word in _SCALES:
            current = max(current, 1) * _SCALES[word]
            if _SCALES[word] == _SCALES["thousand"]:
                total, current = total + current, 0
        elif word in {"a", "an"}:
            current = max(current, 1)
        else:
            current += NUMBER_VALUES.get(word, 0)
    return total + current
