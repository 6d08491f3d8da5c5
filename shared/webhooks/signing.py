"""Signatures by Standard Webhooks: what a receiver checks with the published libraries."""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks import Webhook

ID_HEADER: Final = "webhook-id"
TIMESTAMP_HEADER: Final = "webhook-timestamp"
SIGNATURE_HEADER: Final = "webhook-signature"


def sign(
    message_id: str,
    at: datetime,
    body: bytes,
    *,
    secrets: Sequence[bytes],
    private_keys: Sequence[bytes],
) -> dict[str, str]:
    """Return the three headers of a delivery.

    Args:
        message_id: The public id of the event, the same on every retry.
        at: Moment of the attempt, aware.
        body: The bytes that are sent; UTF-8.
        secrets: Live secrets of the endpoint: one `v1` each, so that a receiver may change over.
        private_keys: Live Ed25519 keys of the tenant, raw: one `v1a` each.

    Raises:
        ValueError: `at` has no zone. The library would take it as UTC, and a time in another zone
            by its digits: a signature that nobody can check.
    """
    if at.tzinfo is None:
        raise ValueError("a signature needs an aware datetime")
    at = at.astimezone(UTC)
    seconds = int(at.timestamp())
    text = body.decode()
    signatures = [Webhook(secret).sign(message_id, at, text) for secret in secrets]
    signed = f"{message_id}.{seconds}.{text}".encode()
    for key in private_keys:
        signature = Ed25519PrivateKey.from_private_bytes(key).sign(signed)
        signatures.append(f"v1a,{base64.b64encode(signature).decode()}")
    return {
        ID_HEADER: message_id,
        TIMESTAMP_HEADER: str(seconds),
        SIGNATURE_HEADER: " ".join(signatures),
    }
