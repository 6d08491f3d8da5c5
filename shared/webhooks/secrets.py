"""Secrets of endpoints and signing keys of tenants, and how both are written."""

import base64

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.db.sealed import RandomBytes

SECRET_BYTES = 32
"""Standard Webhooks asks for 24 to 64."""

SECRET_PREFIX = "whsec_"
PUBLIC_KEY_PREFIX = "whpk_"


class SigningPair(msgspec.Struct, frozen=True, kw_only=True):
    """An Ed25519 pair in raw form, 32 bytes each; only the public half is ever shown."""

    private_key: bytes
    public_key: bytes


def new_secret(random: RandomBytes) -> bytes:
    """Return the bytes of a new endpoint secret."""
    return random(SECRET_BYTES)


def secret_text(secret: bytes) -> str:
    """Return the form receivers configure: `whsec_` and base64."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def new_signing_pair(random: RandomBytes) -> SigningPair:
    """Make a pair for the signature `v1a`."""
    return signing_pair(random(32))


def signing_pair(private_key: bytes) -> SigningPair:
    """Return the pair of these 32 private bytes."""
    public = Ed25519PrivateKey.from_private_bytes(private_key).public_key()
    return SigningPair(
        private_key=private_key,
        public_key=public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw),
    )


def public_key_text(public_key: bytes) -> str:
    """Return the form that `/v1/webhook_keys` shows: `whpk_` and base64."""
    return PUBLIC_KEY_PREFIX + base64.b64encode(public_key).decode()
