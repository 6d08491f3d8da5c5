"""One key, one effect: the claim commits with what it claims, and a repeat finds the resource."""

import re
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import msgspec

from shared.db.pool import Connection
from shared.db.sql import Queries
from shared.errors import FieldError, IdempotencyKeyReusedError, ValidationFailedError

_SQL = Queries("services.api")

_KEY: Final = re.compile(r'"[\x20\x21\x23-\x7e]{1,255}"|[\x21\x23-\x7e][\x20-\x7e]{0,254}')
"""Bare, or a quoted string as the IETF draft has it; printable ASCII."""


class Claim(msgspec.Struct, frozen=True):
    """What a request with a key says: which request it is, and what it asks."""

    hash: bytes
    """SHA-256 of key, method, route and path ids; 32 bytes."""
    fingerprint: bytes
    """SHA-256 of path and canonical body; 32 bytes."""

    def check(self, fingerprint: bytes) -> None:
        """Compare with the request that used the key before.

        Raises:
            IdempotencyKeyReusedError: that was another request.
        """
        if fingerprint != self.fingerprint:
            raise IdempotencyKeyReusedError


class Claimed(msgspec.Struct, frozen=True):
    """What the first request with the key made."""

    resource_id: UUID
    sequence: int | None


def read_key(header: str) -> str:
    """Return the key of an `Idempotency-Key` header.

    Raises:
        ValidationFailedError: not 1..255 printable ASCII characters.
    """
    if _KEY.fullmatch(header) is None:
        raise ValidationFailedError(
            errors=(
                FieldError(
                    pointer="header:Idempotency-Key",
                    code="format",
                    detail="A key has 1 to 255 printable ASCII characters, bare or in quotes",
                ),
            )
        )
    return header[1:-1] if header.startswith('"') else header


def make_claim(key: str, method: str, template: str, path: str, body: Any) -> Claim:
    """Return the claim of a request; `path` is the real one, with the ids of the template in it."""
    canonical = msgspec.json.encode(body, order="deterministic")
    return Claim(
        sha256(f"{key}\0{method}\0{template}\0{path}".encode()).digest(),
        sha256(path.encode() + b"\0" + canonical).digest(),
    )


async def claim_or_find(
    connection: Connection,
    tenant_id: UUID,
    claim: Claim | None,
    resource_id: UUID,
    now: datetime,
    *,
    sequence: int | None = None,
) -> Claimed | None:
    """Claim the key for a resource about to be made; return what an earlier request made instead.

    Runs in the transaction that makes the resource. A concurrent twin waits for the first commit.

    Raises:
        IdempotencyKeyReusedError: the key was used for another request.
    """
    if claim is None:
        return None
    first = await connection.fetchval(
        _SQL["insert_claim"], tenant_id, claim.hash, claim.fingerprint, resource_id, sequence, now
    )
    if first:
        return None
    return await find_claim(connection, tenant_id, claim)


async def find_claim(connection: Connection, tenant_id: UUID, claim: Claim) -> Claimed | None:
    """Return what an earlier request with this key made, or None when there was none.

    Raises:
        IdempotencyKeyReusedError: the key was used for another request.
    """
    row = await connection.fetchrow(_SQL["find_claim"], tenant_id, claim.hash)
    if row is None:
        return None
    claim.check(row["fingerprint"])
    return Claimed(row["resource_id"], row["sequence"])
