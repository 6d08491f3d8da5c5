"""Receipts: what was destroyed or handed over, how much and when; signed, without personal data."""

import base64
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_PREFIX: Final = "v1a,"
"""As asymmetric signatures of webhooks begin."""


class Store(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one store."""

    store: str
    action: Literal["deleted", "blanked", "key destroyed", "revoked"]
    rows: int


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What a receipt says; ids, counts and times only."""

    receipt: Literal["learner_erasure", "offboarding"]
    version: Literal[1] = 1
    operation: str
    tenant: str
    learner: str | None = None
    requested_at: str
    completed_at: str
    stores: tuple[Store, ...]
    kept: str
    """One sentence about what stays, and why."""
    backups: str
    """One sentence about copies."""
    public_key: str
    """Base64 of the 32 bytes that check the signature; compare it with the installation's own."""


def receipt_key(master_key: bytes) -> bytes:
    """Return the 32 bytes with which an installation signs receipts."""
    return hmac.digest(master_key, b"rapport receipts v1", sha256)


def public_key(key: bytes) -> str:
    """Return what checks the signatures of a key, in base64."""
    public = Ed25519PrivateKey.from_private_bytes(key).public_key()
    return base64.b64encode(public.public_bytes_raw()).decode()


def signed(receipt: Receipt, key: bytes) -> tuple[str, str]:
    """Return the receipt as the text that is signed, and its signature."""
    text = msgspec.json.encode(receipt)
    signature = Ed25519PrivateKey.from_private_bytes(key).sign(text)
    return text.decode(), _PREFIX + base64.b64encode(signature).decode()


def is_genuine(text: str, signature: str, public: str) -> bool:
    """Say whether a receipt is as it was signed."""
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public, validate=True))
        key.verify(base64.b64decode(signature.removeprefix(_PREFIX), validate=True), text.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def stores(counts: Mapping[str, int], actions: Mapping[str, str]) -> tuple[Store, ...]:
    """Return what became of the stores that had anything, in the order of their names."""
    rows = [
        {"store": name, "action": actions.get(name, "deleted"), "rows": number}
        for name, number in sorted(counts.items())
    ]
    return msgspec.convert(rows, tuple[Store, ...])


def moment(at: datetime) -> str:
    """Return a time as receipts say it."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
