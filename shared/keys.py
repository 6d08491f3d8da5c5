"""API keys: `rk_live_<key id><secret><checksum>`; only a SHA-256 of the text is ever stored.

The key id (26 characters of base32) finds the row, the secret (33 of base62, 192 random bits)
proves the caller, the checksum (6 of base62, CRC-32) lets a parser refuse a mistyped key without a
look-up.
"""

import hmac
import re
import zlib
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, Literal, NamedTuple, cast
from uuid import UUID

from shared.ids import IdMaker, InvalidIdError, decode, encode

Environment = Literal["live", "test", "ops"]
"""`ops` keys belong to operators and to no tenant."""

RandomBytes = Callable[[int], bytes]

SCOPES: Final = (
    "teams:read",
    "teams:write",
    "learners:read",
    "learners:write",
    "scenarios:read",
    "scenarios:write",
    "rubrics:read",
    "rubrics:write",
    "skills:read",
    "skills:write",
    "simulations:read",
    "simulations:write",
    "scorings:read",
    "scorings:write",
    "assessments:review",
    "assessments:dispute",
    "reports:read",
    "goals:read",
    "goals:write",
    "simulations:observe",
    "learner_tokens:write",
    "events:read",
    "webhooks:read",
    "webhooks:write",
    "exports:read",
    "settings:read",
    "settings:write",
    "usage:read",
    "surveys:read",
    "surveys:write",
    "keys:read",
    "keys:write",
    "users:read",
    "users:write",
    "audit:read",
    "scim:write",
    "privacy:read",
    "privacy:write",
)
"""Everything a tenant's key may be allowed to do."""

WARNED_AHEAD: Final = (timedelta(days=7), timedelta(days=1))
"""When the coming end of a key is announced, before it."""

SECRET_BYTES: Final = 24
SECRET_CHARACTERS: Final = 33
"""62 ** 33 is just above 2 ** 192."""
CHECKSUM_CHARACTERS: Final = 6

_BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SHAPE: Final = re.compile(r"rk_(live|test|ops)_([0-9a-z]{26})([0-9A-Za-z]{32,64})([0-9A-Za-z]{6})")


class InvalidKeyError(ValueError):
    """The text is not an API key: wrong shape or checksum."""


class NewKey(NamedTuple):
    """A key at birth; `text` is shown once and never stored."""

    key_id: UUID
    text: str
    hash: bytes


class ParsedKey(NamedTuple):
    """What a presented key claims; `hash` decides whether the claim is true."""

    environment: Environment
    key_id: UUID
    hash: bytes


def new_key(environment: Environment, ids: IdMaker, random: RandomBytes) -> NewKey:
    """Make a key."""
    return new_secret(environment, ids.new(), random)


def new_secret(environment: Environment, key_id: UUID, random: RandomBytes) -> NewKey:
    """Make another secret for a key that keeps its id."""
    secret = _base62(int.from_bytes(random(SECRET_BYTES), "big"), SECRET_CHARACTERS)
    body = f"rk_{environment}_{encode(key_id)}{secret}"
    text = body + _checksum(body)
    return NewKey(key_id, text, hash_key(text))


def warnings_past(expires_at: datetime | None, now: datetime) -> int:
    """Return how many of the warnings before a key's end lie in the past already."""
    if expires_at is None:
        return 0
    return sum(expires_at - now <= ahead for ahead in WARNED_AHEAD)


def parse_key(text: str) -> ParsedKey:
    """Return what a presented key claims to be.

    Raises:
        InvalidKeyError: not the shape of a key, or a wrong checksum.
    """
    match = _SHAPE.fullmatch(text)
    if match is None or _checksum(text[:-CHECKSUM_CHARACTERS]) != match[4]:
        raise InvalidKeyError("not an API key")
    try:
        key_id = decode(match[2])
    except InvalidIdError:
        raise InvalidKeyError("not an API key") from None
    return ParsedKey(cast("Environment", match[1]), key_id, hash_key(text))


def hash_key(text: str) -> bytes:
    """Return the 32 bytes that are stored; 192 random bits need no slow hash."""
    return sha256(text.encode()).digest()


def same_hash(one: bytes, other: bytes) -> bool:
    """Compare two hashes in constant time."""
    return hmac.compare_digest(one, other)


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), CHECKSUM_CHARACTERS)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_BASE62[digit])
    return "".join(reversed(digits))
