"""What is personal data: e-mail addresses, accounts, cards, addresses of machines, telephones.

Strangers write what is read here, while others wait: no pattern repeats without a bound what
another part of it may take as well.
"""

import re
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException

from shared.redaction import checksums
from shared.redaction.identities import birthdays, identities
from shared.redaction.spans import Kind, Span

REGIONS: Final = (
    "GB",
    "US",
    "DE",
    "AT",
    "CH",
    "FR",
    "ES",
    "IT",
    "NL",
    "PL",
    "SE",
    "IE",
    "AU",
    "IN",
)
"""Whose ways of writing telephone numbers without a country code are known."""

_EMAIL: Final = re.compile(
    r"[\w.!#$%&*+/=?^`{|}~-]{1,64}@(?:[\w](?:[\w-]{0,61}[\w])?\.){1,10}[^\W\d_]{2,24}"
    r"|\b[\w.+-]{1,64}(?: dot [\w+-]{1,30}){0,3} (?:at|@|\(at\)|\[at\]) (?!the |a |my |our )"
    r"[\w-]{2,63}(?: (?:dot|\.|\(dot\)|\[dot\]) [\w-]{2,24}){1,3}\b"
    r"|\b[\w.+-]{1,64} ?[(\[]at[)\]] ?[\w-]{2,63}(?:\.| ?[(\[]dot[)\]] ?)[a-z]{2,24}\b",
    re.IGNORECASE,
)

_IBAN: Final = re.compile(r"(?<!\w)[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}")

_CARD: Final = re.compile(r"(?<![\w.-])[2-6]\d{3}(?:[ -]?\d){9,15}(?![\w-])")

_IPV4: Final = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
_IPV4_HINT: Final = re.compile(r"\d\.\d{1,3}\.\d")
_IPV6_HINT: Final = re.compile(r":(?:[0-9a-fA-F]{1,4})?:")
"""What stands in every address; searches that begin with a character of their own are quick."""
_IPV6: Final = re.compile(r"(?<![\w:])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?![\w:])")

_PHONE: Final = re.compile(
    r"(?<![\w.,/#:-])(?:\+|\(\+?|00)?\d(?:[ ()./-]{0,3}\d){6,16}(?![\w]|[.,:]\d)"
)
_DATE: Final = re.compile(
    r"\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./]\d{2,4}|\d{4} ?- ?\d{4}"
)
_PHONE_WORD: Final = re.compile(
    r"(?i)(?:my number(?: is)?|phone|mobile|cell|call|ring|text|reach|dial|fax|whats ?app"
    r"|sms|landline|tel|telefon|handy|anruf\w*|rufnummer|nummer|erreich\w*|t[ée]l[ée]phone|portable|m[óo]vil|tel[ée]fono"
    r"|cellulare)\b[^.!?\d]{0,40}$"
)
_OTHER_WORD: Final = re.compile(
    r"(?i)(?:order|ticket|case|invoice|booking|reservation|reference|ref|tracking|contract|policy"
    r"|account|customer|article|item|serial|parcel|shipment|bestell\w*|auftrag\w*|rechnung\w*"
    r"|vertrag\w*|kunden\w*|sendung\w*|commande|facture|pedido|factura|ordine|fattura|flight"
    r"|meter|claim|model|sku|no|nr|number|id)\b[^.!?\d]{0,15}$"
)
_WORDS_BEFORE: Final = 48
"""Characters before a number that say what it is."""

PARSED: Final = 200
"""Numbers of one text that are compared with the numbering plans, at a millisecond each; whatever
is written like a telephone number after them counts as one."""

_SEPARATORS: Final = re.compile(r"[^0-9A-Za-z]")


_DENSE: Final = re.compile(r"\d(?:[^\d\n]{0,3}\d){5,40}")
"""Six digits close together: without them there is no number to look at."""
_MOMENT: Final = re.compile(
    r"(?:\d{4}-\d\d-\d\d|\d\d?[./]\d\d?[./]\d{4})(?:[ ,T]{1,2}\d\d?:\d\d(?::\d\d)?)?"
)
"""Dates and times, which transcripts are full of."""

_AROUND: Final = 80
"""Characters beside such digits that may belong to a number, or say what it is."""


def spans(text: str) -> list[Span]:
    """Return everything that is recognized, readings that overlap among them."""
    found = [*_emails(text), *_ipv6(text), *_ipv4(text), *birthdays(text)]
    tries = iter(range(PARSED))
    for start, end in _windows(text):
        found += _ibans(text, start, end)
        found += _cards(text, start, end)
        found += identities(text, start, end)
        found += _phones(text, start, end, tries)
    return found


def _windows(text: str) -> Iterator[tuple[int, int]]:
    """Yield where numbers may be, without overlaps."""
    start = end = 0
    for match in _DENSE.finditer(text):
        if _MOMENT.fullmatch(match[0]):
            continue
        if match.start() - _AROUND > end or not end:
            if end:
                yield start, end
            start = max(0, match.start() - _AROUND)
        end = min(len(text), match.end() + _AROUND)
    if end:
        yield start, end


def _emails(text: str) -> Iterator[Span]:
    small = text.lower()
    if "@" in text or " dot " in small or "at)" in small or "at]" in small:
        for match in _EMAIL.finditer(text):
            yield Span(match.start(), match.end(), Kind.EMAIL)


def _ibans(text: str, start: int, stop: int) -> Iterator[Span]:
    for match in _IBAN.finditer(text, start, stop):
        wanted = checksums.IBAN_LENGTHS.get(match[0][:2].upper(), 0)
        end, taken = match.start(), 0
        while end < match.end() and taken < wanted:
            taken += text[end].isalnum()
            end += 1
        candidate = _SEPARATORS.sub("", text[match.start() : end]).upper()
        if candidate.isascii() and checksums.iban(candidate) and not text[end : end + 1].isalnum():
            yield Span(match.start(), end, Kind.IBAN)


def _cards(text: str, start: int, end: int) -> Iterator[Span]:
    for match in _CARD.finditer(text, start, end):
        digits = _SEPARATORS.sub("", match[0])
        if 13 <= len(digits) <= 19 and checksums.luhn(digits):
            yield Span(match.start(), match.end(), Kind.CARD)


def _ipv4(text: str) -> Iterator[Span]:
    if _IPV4_HINT.search(text) is None:
        return
    for match in _IPV4.finditer(text):
        if all(int(part) < 256 for part in match[0].split(".")):
            yield Span(match.start(), match.end(), Kind.IP)


def _ipv6(text: str) -> Iterator[Span]:
    if _IPV6_HINT.search(text) is None:
        return
    for match in _IPV6.finditer(text):
        try:
            ip_address(match[0])
        except ValueError:
            continue
        if len(match[0]) > 2:
            yield Span(match.start(), match.end(), Kind.IP)


def _phones(text: str, start: int, end: int, tries: Iterator[int]) -> Iterator[Span]:
    for match in _PHONE.finditer(text, start, end):
        before = text[max(0, match.start() - _WORDS_BEFORE) : match.start()]
        if not _DATE.match(match[0]) and _is_phone(match[0], before, tries):
            yield Span(match.start(), match.end(), Kind.PHONE)


def _is_phone(candidate: str, before: str, tries: Iterator[int]) -> bool:
    stripped = candidate.lstrip("(")
    if stripped.startswith("+"):
        return _is_valid(candidate, None, only_possible=True)
    if stripped.startswith("00") and _is_valid("+" + stripped[2:], None):
        return True
    if _PHONE_WORD.search(before):
        return True
    if _OTHER_WORD.search(before):
        return False
    is_written_so = stripped.startswith("0") or not candidate.isdigit()
    if not is_written_so or next(tries, None) is None:
        return is_written_so
    return any(_is_valid(candidate, region) for region in REGIONS)


def _is_valid(candidate: str, region: str | None, *, only_possible: bool = False) -> bool:
    try:
        number = phonenumbers.parse(candidate, region)
    except NumberParseException:
        return False
    if only_possible:
        return phonenumbers.is_possible_number(number)
    return phonenumbers.is_valid_number(number)
