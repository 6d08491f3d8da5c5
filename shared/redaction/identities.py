"""Numbers that states give to people: by their shape and check digit, or by the words before."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from shared.redaction import checksums
from shared.redaction.spans import Kind, Span

_NOT_INSIDE: Final = r"(?<![\w.,/-])"
_NOT_BEFORE: Final = r"(?![\w/]|[.,-]\d)"

Check = Callable[[str], bool]


def _always(_text: str) -> bool:
    return True


def _ssn(digits: str) -> bool:
    area = digits[:3]
    return area not in {"000", "666"} and digits[3:5] != "00" and digits[5:] != "0000"


_SHAPES: Final[tuple[tuple[str, str, Check], ...]] = (
    ("us", r"\d{3}-\d{2}-\d{4}", _ssn),
    ("gb", r"[A-CEGHJ-PR-TW-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]", _always),
    ("fr", r"[12] ?\d{2} ?\d{2} ?\d{2} ?\d{3} ?\d{3} ?\d{2}", checksums.nir),
    ("ch", r"756\.?\d{4}\.?\d{4}\.?\d{2}", checksums.ahv),
    ("es", r"[\dXYZ]\d{7}-?[A-Z]", checksums.dni),
    ("it", r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]", _always),
    ("se", r"(?:\d{2})?\d{6}[-+]\d{4}", lambda digits: checksums.luhn(digits[-10:])),
    ("at", r"\d{4} \d{6}", checksums.svnr),
    ("ca", r"\d{3}[ -]\d{3}[ -]\d{3}", checksums.luhn),
)
"""Without any word before them, by country."""
_CHECKS: Final = {country: check for country, _, check in _SHAPES}
_SHAPED: Final = re.compile(
    f"{_NOT_INSIDE}(?:"
    + "|".join(f"(?P<{country}>{pattern})" for country, pattern, _ in _SHAPES)
    + f"){_NOT_BEFORE}"
)

_NAMED: Final = re.compile(
    r"(?i:\b(?P<what>passport|passeport|reisepass|personalausweis|identity card|id card|ausweis"
    r"|driving licen[cs]e|driver'?s licen[cs]e|f[üu]hrerschein|ssn|social security|svnr|pesel|bsn"
    r"|social insurance|national insurance|national id|tax id|steuer-?id|steuernummer"
    r"|sozialversicherung|dni|nie|nif|codice fiscale|personnummer|sin|aadhaar|medicare|nhs)"
    r"(?:[ -]?(?:number|no|nr|nummer|id)\b\.?)?(?:\s{1,3}(?:is|was|ist|lautet|es|è)\b)?"
    r"\s{0,3}[:#]?\s{0,3})"
    r"(?P<id>(?=[A-Za-z0-9 .-]*\d{2})[A-Z0-9]{1,5}(?:[ .-]?[A-Z0-9]{1,6}){1,5})(?![\w-])"
)
"""With a word before them that says what they are."""
_NAMED_HINTS: Final = (
    "pass", "ausweis", "card", "licen", "schein", "ssn", "social", "insurance", "national", "tax",
    "steuer", "versicherung", "svnr", "pesel", "bsn", "dni", "nie", "nif", "codice", "personnummer",
    "sin", "aadhaar", "medicare", "nhs",
)  # fmt: skip
"""One of them is wherever `_NAMED` finds something; looking for them is quick."""

_DIGITS: Final = re.compile(f"{_NOT_INSIDE}(?:\\d{{11}}|\\d{{10}}|\\d{{9}}){_NOT_BEFORE}")
_CHECKED: Final[dict[int, tuple[Check, ...]]] = {
    11: (checksums.pesel, checksums.tax_id),
    10: (checksums.svnr,),
}
"""Bare digits: only where a check digit leaves one in ten, and a date or a second rule fewer."""

_BORN: Final = re.compile(
    r"(?i:\b(?:born|birthday|birth ?date|date of birth|dob|geboren|geburtsdatum|n[ée]e?|naissance"
    r"|nacimiento|nat[oa])\b(?:\s{1,3}(?:is|was|on|am|ist|le|el|il)){0,3}\s{0,3}:?\s{0,3})"
    r"(?P<id>\d{1,4}[./-]\d{1,2}[./-]\d{2,4}"
    r"|\d{1,2}(?:st|nd|rd|th|\.)?\s{1,3}(?:of\s{1,3})?[A-Za-zäé]{3,9}\.?,?\s{1,3}\d{4}"
    r"|[A-Z][a-z]{2,8}\s{1,3}\d{1,2}(?:st|nd|rd|th)?,?\s{1,3}\d{4})"
)
_BORN_HINTS: Final = (
    "born", "birth", "dob", "gebor", "geburt", "naiss", "nacim", "nato", "nata",
)  # fmt: skip
_NEE: Final = re.compile(r"[nN](?<!\w[nN])[éÉeE][eE]?(?!\w)")
"""One of them is in every text that `_BORN` finds something in; looking for them is quick."""


def birthdays(text: str) -> Iterator[Span]:
    """Yield days of birth that are said to be one."""
    small = text.lower()
    if any(hint in small for hint in _BORN_HINTS) or _NEE.search(text):
        for match in _BORN.finditer(text):
            yield Span(match.start("id"), match.end("id"), Kind.BIRTHDAY)


def identities(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield what looks like a number of a person, between two places of a text."""
    for match in _SHAPED.finditer(text, start, end):
        if _CHECKS[match.lastgroup or ""](re.sub(r"[^0-9A-Z]", "", match[0])):
            yield Span(match.start(), match.end(), Kind.ID)
    for match in _DIGITS.finditer(text, start, end):
        if any(check(match[0]) for check in _CHECKED.get(len(match[0]), ())):
            yield Span(match.start(), match.end(), Kind.ID)
    small = text[start:end].lower()
    if any(hint in small for hint in _NAMED_HINTS):
        yield from _named(text, start, end)


def _named(text: str, start: int, end: int) -> Iterator[Span]:
    for match in _NAMED.finditer(text, start, end):
        yield Span(match.start("id"), match.end("id"), Kind.ID)
