"""The synthetic set that redaction is measured on: `python -m tests.support.redaction_cases` writes it.

Nothing in it is anybody's: numbers are drawn with a fixed seed and given valid check digits here, telephone
numbers are the examples of the numbering plans, names and addresses are made of lists.
"""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import phonenumbers

FILE = Path(__file__).resolve().parent.parent / "unit" / "shared" / "redaction_set.jsonl"
SEED = 20261122
EACH = 70
"""Cases of each kind."""

FIRST = (
    "Noor",
    "Anna",
    "Jürgen",
    "Will",
    "May",
    "Zoë",
    "Łukasz",
    "Priya",
    "Seán",
    "Mia",
    "Olu",
    "Chloé",
)
LAST = (
    "Haddad",
    "O'Neil",
    "Smith-Jones",
    "Grün",
    "Nowak",
    "van Dijk",
    "Okafor",
    "Bell",
    "García",
    "Ng",
)
DOMAINS = (
    "example.com",
    "mail.example.org",
    "firma-beispiel.de",
    "exemple.fr",
    "example.co.uk",
    "posta.example.it",
)
MONTHS = ("January", "March", "May", "August", "October", "December")


class Case(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A text with what must not leave, or, without any, with what must stay."""

    kind: str
    text: str
    personal: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


def _digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(count))


def _grouped(text: str, size: int, separator: str = " ") -> str:
    return separator.join(text[at : at + size] for at in range(0, len(text), size))


def _email(rng: random.Random) -> str:
    first, last = (
        rng.choice(FIRST[:2] + FIRST[7:8]).lower(),
        rng.choice(("haddad", "nowak", "bell")),
    )
    user = rng.choice(
        (f"{first}.{last}", f"{first}{rng.randint(1, 99)}", f"{last}_{first}", f"{first}+news")
    )
    domain = rng.choice(DOMAINS)
    plain = f"{user}@{domain}"
    spoken = f"{user.replace('.', ' dot ')} at {domain.replace('.', ' dot ')}"
    return rng.choice((plain, plain, plain, plain.upper(), spoken, f"{user} (at) {domain}"))


def _luhn(body: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(body)):
        double = int(digit) * 2 if place % 2 == 0 else int(digit)
        total += double // 10 + double % 10
    return body + str(-total % 10)


def _card(rng: random.Random) -> str:
    prefix, length = rng.choice(
        (("4", 16), ("51", 16), ("55", 16), ("37", 15), ("6011", 16), ("2221", 16))
    )
    number = _luhn(prefix + _digits(rng, length - len(prefix) - 1))
    return rng.choice((number, _grouped(number, 4), _grouped(number, 4, "-")))


def _iban(rng: random.Random) -> str:
    country, body = rng.choice(
        (("DE", _digits(rng, 18)), ("AT", _digits(rng, 16)), ("CH", _digits(rng, 17)), ("GB", "NWBK" + _digits(rng, 14)),
         ("FR", _digits(rng, 23)), ("NL", "ABNA" + _digits(rng, 10)), ("ES", _digits(rng, 20)), ("PL", _digits(rng, 24)))
    )  # fmt: skip
    number = int("".join(str(int(each, 36)) for each in f"{body}{country}00"))
    text = f"{country}{98 - number % 97:02d}{body}"
    return rng.choice((text, _grouped(text, 4), _grouped(text, 4), text.lower()))


def _phone(rng: random.Random) -> str:
    region = rng.choice(
        (
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
            "BR",
            "JP",
        )
    )
    kind = rng.choice(
        (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE)
    )
    number = phonenumbers.example_number_for_type(region, kind)
    assert number is not None, region
    international = phonenumbers.PhoneNumberFormat.INTERNATIONAL
    form = rng.choice((international, international, phonenumbers.PhoneNumberFormat.NATIONAL,
                       phonenumbers.PhoneNumberFormat.E164))  # fmt: skip
    text = phonenumbers.format_number(number, form)
    return text.replace("+", "00", 1) if form == international and rng.random() < 0.2 else text


def _ip(rng: random.Random) -> str:
    four = ".".join(str(rng.randint(1, 254)) for _ in range(4))
    six = ":".join(f"{rng.randint(1, 0xFFFF):x}" for _ in range(8))
    return rng.choice((four, four, six, f"2001:db8::{rng.randint(1, 0xFFFF):x}"))


def _weighted(body: str, weights: tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True))


def _pesel(rng: random.Random) -> str:
    body = f"{rng.randint(50, 99)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}{_digits(rng, 4)}"
    return f"{body}{-_weighted(body, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10}"


def _nir(rng: random.Random) -> str:
    body = f"{rng.choice('12')}{rng.randint(50, 99)}{rng.randint(1, 12):02d}{_digits(rng, 8)}"
    text = f"{body}{97 - int(body) % 97:02d}"
    return rng.choice(
        (
            text,
            f"{text[0]} {text[1:3]} {text[3:5]} {text[5:7]} {text[7:10]} {text[10:13]} {text[13:]}",
        )
    )


def _ahv(rng: random.Random) -> str:
    body = "756" + _digits(rng, 9)
    text = f"{body}{-_weighted(body, (1, 3) * 6) % 10}"
    return f"{text[:3]}.{text[3:7]}.{text[7:11]}.{text[11:]}"


def _dni(rng: random.Random) -> str:
    number = rng.randint(10_000_000, 99_999_999)
    return f"{number}{'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23]}"


def _identity(rng: random.Random) -> tuple[str, str]:
    """Return a sentence's beginning and a number."""
    letters = "".join(rng.choice("ABCEGHJKLMNPRSTWXYZ") for _ in range(6))
    makers: tuple[Callable[[], tuple[str, str]], ...] = (
        lambda: (
            "My social security number is",
            f"{rng.randint(100, 665)}-{rng.randint(10, 99)}-{rng.randint(1000, 9999)}",
        ),
        lambda: (
            "It is",
            f"{rng.choice('ABCE')}{rng.choice('ABCE')} {_grouped(_digits(rng, 6), 2)} {rng.choice('ABCD')}",
        ),
        lambda: ("PESEL:", _pesel(rng)),
        lambda: ("Mon numéro est le", _nir(rng)),
        lambda: ("Meine AHV lautet", _ahv(rng)),
        lambda: ("Mi documento es", _dni(rng)),
        lambda: ("My passport number is", f"{rng.choice('CGLX')}{_digits(rng, 8)}"),
        lambda: ("Passport no.", f"{rng.randint(100_000_000, 999_999_999)}"),
        lambda: (
            "Codice fiscale:",
            f"{letters}{rng.randint(10, 99)}A{rng.randint(10, 31)}H{_digits(rng, 3)}X",
        ),
        lambda: ("Driving licence", f"BELL{_digits(rng, 6)}"),
        lambda: ("Personnummer", f"{_luhn('8' + _digits(rng, 8))[:6]}-1234"),
        lambda: ("My SIN is", _grouped(_luhn(_digits(rng, 8)), 3, "-")),
    )
    return rng.choice(makers)()


def _birthday(rng: random.Random) -> str:
    day, month, year = rng.randint(1, 28), rng.randint(1, 12), rng.randint(1940, 2006)
    return rng.choice(
        (f"{day:02d}/{month:02d}/{year}", f"{year}-{month:02d}-{day:02d}", f"{day}.{month}.{year}",
         f"{day} {rng.choice(MONTHS)} {year}", f"{rng.choice(MONTHS)} {day}, {year}")
    )  # fmt: skip


_FRAMES = {
    "EMAIL": ("Write to {}, please.", "My address is {}", "<{}> never got it", "Login {} / see above", '"{}"'),
    "CARD": ("You charged {} twice.", "The card is {}, valid until 08/28.", "Card: {}"),
    "IBAN": ("Refund it to {}.", "IBAN {}, thanks", "Bitte auf {} überweisen", "{} is my account"),
    "PHONE": ("Call me at {} after six.", "My number is {}.", "You can reach me on {}, evenings only", "{} - Tom",
              "Tel. {}", "{} is my mobile"),
    "IP": ("It came from {}.", "My router says {}, that is all", "ping {}"),
    "BIRTHDAY": ("I was born on {}.", "Date of birth: {}", "DOB {}, as on the form", "Geboren am {} in Linz"),
}  # fmt: skip

_MAKERS: dict[str, Callable[[random.Random], str]] = {
    "EMAIL": _email, "CARD": _card, "IBAN": _iban, "PHONE": _phone, "IP": _ip, "BIRTHDAY": _birthday,
}  # fmt: skip

_STAYS: tuple[Callable[[random.Random], str], ...] = (
    lambda rng: f"My order number is {rng.randint(1_000_000, 99_999_999)}.",
    lambda rng: f"Order {_digits(rng, 4)}-{_digits(rng, 4)}-{_digits(rng, 2)} never came.",
    lambda rng: f"Ticket #{rng.randint(10_000, 9_999_999)} is still open.",
    lambda rng: f"I paid {rng.randint(1, 9)},{_digits(rng, 3)}.{_digits(rng, 2)} dollars on it.",
    lambda rng: (
        f"It costs EUR {rng.randint(10, 999)}.{_digits(rng, 2)} per month, {rng.randint(2, 48)} months."
    ),
    lambda rng: (
        f"On {rng.randint(2019, 2026)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d} at {rng.randint(8, 19)}:30."
    ),
    lambda rng: (
        f"Delivery between {rng.randint(1, 28)}/{rng.randint(1, 12)}/2026 and {rng.randint(1, 28)}/{rng.randint(1, 12)}/2026."
    ),
    lambda rng: (
        f"Tracking number {rng.choice(('1Z', 'JD', 'RR'))}{_digits(rng, 12)}{rng.choice(('', 'GB'))}"
    ),
    lambda rng: (
        f"Model WX-{rng.randint(100, 9999)}-{rng.choice('ABC')}, serial {_digits(rng, 10)}."
    ),
    lambda rng: f"Version {rng.randint(1, 9)}.{rng.randint(0, 20)}.{rng.randint(0, 9)} crashes.",
    lambda rng: (
        f"Flight {rng.choice(('BA', 'LH', 'OS'))}{rng.randint(100, 9999)}, seat {rng.randint(1, 30)}C."
    ),
    lambda rng: (
        f"I waited {rng.randint(2, 90)} minutes, {rng.randint(2, 9)} times, since {rng.randint(2015, 2025)}."
    ),
    lambda rng: (
        f"Contract {rng.choice('KVP')}-{_digits(rng, 8)} runs until 31 December {rng.randint(2026, 2030)}."
    ),
    lambda rng: (
        f"Invoice {rng.randint(2020, 2026)}/{_digits(rng, 5)} over {rng.randint(100, 9000)} euros."
    ),
    lambda rng: (
        f"Flat {rng.randint(1, 90)}, 3rd floor, {rng.randint(10, 99)} percent humidity, {rng.randint(100, 999)} liters."
    ),
    lambda rng: f"Meter reading {_digits(rng, 6)} kWh, before {_digits(rng, 6)}.",
    lambda rng: (
        f"The reference is {''.join(rng.choice('ABCDEFGHJKLMNPQRSTUVWXYZ23456789') for _ in range(8))}."
    ),
    lambda _: "She will come at six, and may be late.",
    lambda _: "Meet me at the dot com office, I am at home after five.",
)


def _with_names(rng: random.Random) -> Case:
    first, last = rng.choice(FIRST), rng.choice(LAST)
    shown = rng.choice((f"{first} {last}", first, last, f"{first.upper()} {last.upper()}"))
    frame = rng.choice(("This is {} from support.", "Thanks, {}!", "{}'s shift ended.", "Ask for {}, they will know.",
                        '{{"agent": "{}"}}'))  # fmt: skip
    return Case(
        kind="NAME", text=frame.format(shown), personal=(shown,), names=(f"{first} {last}",)
    )


def cases(seed: int = SEED) -> list[Case]:
    """Return a whole set; the same seed draws the same one."""
    rng = random.Random(seed)
    made = []
    for kind, frames in _FRAMES.items():
        for _ in range(EACH):
            value = _MAKERS[kind](rng)
            made.append(Case(kind=kind, text=rng.choice(frames).format(value), personal=(value,)))
    for _ in range(EACH):
        beginning, value = _identity(rng)
        made.append(Case(kind="ID", text=f"{beginning} {value}.", personal=(value,)))
    made += [_with_names(rng) for _ in range(EACH)]
    made += [Case(kind="NONE", text=rng.choice(_STAYS)(rng)) for _ in range(4 * EACH)]
    return made


def read() -> list[Case]:
    """Return the committed set."""
    decoder: Any = msgspec.json.Decoder(Case)
    return [decoder.decode(line) for line in FILE.read_bytes().splitlines()]


if __name__ == "__main__":
    FILE.write_bytes(b"".join(msgspec.json.encode(case) + b"\n" for case in cases()))
