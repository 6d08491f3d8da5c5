"""Public ids: a type prefix, an underscore, and a UUIDv7 in 26 characters of base32.

The text form is that of TypeID (Crockford's alphabet, lower case, most significant digit first),
so ids of one type sort by creation time as text, as bytes and in the database, where they are plain
`uuid`.
"""

from typing import Final, Protocol
from uuid import UUID

import uuid_utils.compat

ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford base32, lower case: no i, l, o, u."""

_PAIRS: Final = tuple(high + low for high in ALPHABET for low in ALPHABET)
"""Two characters at a time: ids are written several times per request."""

_DIGITS: Final = str.maketrans(ALPHABET, "0123456789abcdefghijklmnopqrstuv")
"""To the digits that `int` reads."""

PREFIXES: Final = frozenset(
    {
        "ten", "key", "team", "lrn", "scn", "rub", "sim", "turn", "conv",
        "scr", "asm", "dsp", "evt", "job", "op", "req", "whe", "whs", "dlv",
        "goal", "prog", "svy", "rep", "proc", "usr",
    }
)  # fmt: skip
"""Every prefix in use; `req` marks request ids."""


class InvalidIdError(ValueError):
    """The text is not an id of the expected type."""


class IdMaker(Protocol):
    """Where a component gets new ids."""

    def new(self) -> UUID:
        """Return a UUID version 7 that no one else has."""
        ...


class Uuid7Maker:
    """Ids from the machine's clock and randomness."""

    def new(self) -> UUID:
        return uuid_utils.compat.uuid7()


def encode(value: UUID) -> str:
    """Return the 26 base32 characters of a UUID."""
    number = value.int
    pairs = (_PAIRS[(number >> shift) & 1023] for shift in range(120, -1, -10))
    return "".join(pairs)


def decode(text: str) -> UUID:
    """Return the UUID of 26 base32 characters.

    Raises:
        InvalidIdError: wrong length, a character outside the alphabet, or more than 128 bits.
    """
    if len(text) != 26 or text[0] > "7" or text.strip(ALPHABET):
        raise InvalidIdError("an id has 26 base32 characters after its prefix")
    return UUID(int=int(text.translate(_DIGITS), 32))


def format_id(prefix: str, value: UUID) -> str:
    """Return the public form, for example `sim_01k8...`."""
    return f"{prefix}_{encode(value)}"


def parse_id(prefix: str, text: str) -> UUID:
    """Return the UUID behind a public id of this type.

    Raises:
        InvalidIdError: another prefix, or not an id at all.
    """
    head, separator, body = text.rpartition("_")
    if not separator or head != prefix:
        raise InvalidIdError(f"expected an id that starts with {prefix}_")
    return decode(body)
