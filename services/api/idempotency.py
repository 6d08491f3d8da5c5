"""One key, one effect: the claim commits with what it claims, and a repeat finds the resource."""

import hmac
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

KEPT_S: Final = 24 * 3600
"""How long a used key is remembered; the relay forgets it then."""

KEY_PATTERN: Final = r'^("[\x20\x21\x23-\x7e]{1,255}"|[\x21\x23-\x7e][\x20-\x7e]{0,254})$'
"""Bare, or a quoted string as the IETF draft has it; printable ASCII."""

_KEY: Final = re.compile(KEY_PATTERN)


class Claim(msgspec.Struct, frozen=True):
    """What a request with a key says: which request it is, and what it asks."""

    hash: bytes
    """Keyed hash of key, tenant, method, route and path ids; 32 bytes."""
    fingerprint: bytes
    """Keyed hash of path, API version and canonical body; 32 bytes."""

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


class Claims:
    """Makes claims; every process with the same master key makes the same ones.

    Hashes are keyed: who reads the table without the key cannot try out what a body said.
    """

    def __init__(self, master_key: bytes) -> None:
        self._key = hmac.digest(master_key, b"rapport idempotency v1", sha256)

    def make(
        self, key: str, tenant_id: UUID, *, route: str, path: str, version: str, body: Any
    ) -> Claim:
        """Return the claim of a request.

        Args:
            key: The caller's.
            tenant_id: Whose request.
            route: Method and template of the path.
            path: The real one, with the ids of the template in it.
            version: Of the API.
            body: Its plain values; their order does not matter.
        """
        canonical = msgspec.json.encode(body, order="deterministic")
        return Claim(
            self._hash(tenant_id.bytes + f"{key}\0{route}\0{path}".encode()),
            self._hash(f"{path}\0{version}\0".encode() + canonical),
        )

    def _hash(self, text: bytes) -> bytes:
        return hmac.digest(self._key, text, sha256)


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
