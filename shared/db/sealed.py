"""Sealed columns: user text, names and external ids rest encrypted.

AES-256-GCM. Each learner has a data key, wrapped by the tenant's key, wrapped by the master key.
The associated data binds a sealed value to its tenant, table, column and row: moved anywhere else
it does not open. Layout: version (1 byte), key id (1 byte), nonce (12), ciphertext and tag.
"""

import hmac
import os
from collections.abc import Callable
from hashlib import sha256
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION: Final = 1
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12

RandomBytes = Callable[[int], bytes]


class UnsealError(Exception):
    """A sealed value does not open: another key, another row, or changed bytes."""


class SealKey:
    """A key for the sealed columns of one learner or one tenant."""

    def __init__(
        self, tenant_id: UUID, key: bytes, *, key_id: int = 1, random: RandomBytes = os.urandom
    ) -> None:
        self._scope = tenant_id.bytes
        self._cipher = AESGCM(key)
        self._key_id = key_id
        self._random = random

    def seal(self, plain: bytes, column: str, row: bytes) -> bytes:
        """Return the sealed form of `plain` for this `table.column` and row (its id's bytes)."""
        nonce = self._random(NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, plain, self._associated(column, row))
        return bytes((VERSION, self._key_id)) + nonce + sealed

    def open(self, sealed: bytes, column: str, row: bytes) -> bytes:
        """Return the plain bytes.

        Raises:
            UnsealError: the value was sealed for another row or key, or was changed.
        """
        if len(sealed) < 2 + NONCE_BYTES or sealed[0] != VERSION or sealed[1] != self._key_id:
            raise UnsealError("unknown seal version or key")
        nonce, body = sealed[2 : 2 + NONCE_BYTES], sealed[2 + NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, body, self._associated(column, row))
        except InvalidTag:
            raise UnsealError("the sealed value does not belong here") from None

    def seal_text(self, text: str, column: str, row: bytes) -> bytes:
        """Seal a text as UTF-8."""
        return self.seal(text.encode(), column, row)

    def open_text(self, sealed: bytes, column: str, row: bytes) -> str:
        """Return the text behind a sealed value; raises `UnsealError`."""
        return self.open(sealed, column, row).decode()

    def _associated(self, column: str, row: bytes) -> bytes:
        return self._scope + column.encode() + b"\0" + row


class TenantKey(SealKey):
    """A tenant's own key: seals team names and external ids, wraps learner keys, keys the lookup
    hash.
    """

    def __init__(
        self, tenant_id: UUID, key: bytes, *, key_id: int = 1, random: RandomBytes = os.urandom
    ) -> None:
        super().__init__(tenant_id, key, key_id=key_id, random=random)
        self.tenant_id = tenant_id
        self._lookup_key = hmac.digest(key, b"rapport lookup v1", sha256)

    def lookup(self, text: str) -> bytes:
        """Return the 32-byte keyed hash by which a sealed external id is found."""
        return hmac.digest(self._lookup_key, text.encode(), sha256)

    def new_learner_key(self, learner_id: UUID) -> bytes:
        """Make a data key for a learner; return it wrapped."""
        return self.seal(self._random(KEY_BYTES), "learner_keys.wrapped", learner_id.bytes)

    def learner_key(self, learner_id: UUID, wrapped: bytes) -> SealKey:
        """Unwrap a learner's data key; raises `UnsealError`."""
        key = self.open(wrapped, "learner_keys.wrapped", learner_id.bytes)
        return SealKey(self.tenant_id, key, random=self._random)


class MasterKey:
    """The key of the installation, which wraps every tenant's key."""

    def __init__(self, key: bytes, *, random: RandomBytes = os.urandom) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError("the master key has 32 bytes")
        self._key = key
        self._random = random

    def new_tenant_key(self, tenant_id: UUID) -> bytes:
        """Make a tenant's key; return it wrapped."""
        return self._wrapper(tenant_id).seal(
            self._random(KEY_BYTES), "tenant_keys.wrapped", tenant_id.bytes
        )

    def tenant_key(self, tenant_id: UUID, wrapped: bytes) -> TenantKey:
        """Unwrap a tenant's key; raises `UnsealError`."""
        key = self._wrapper(tenant_id).open(wrapped, "tenant_keys.wrapped", tenant_id.bytes)
        return TenantKey(tenant_id, key, random=self._random)

    def _wrapper(self, tenant_id: UUID) -> SealKey:
        return SealKey(tenant_id, self._key, random=self._random)


def turn_row(simulation_id: UUID, seq: int) -> bytes:
    """Return the row bytes of a turn's sealed text: turns are known by simulation and number."""
    return simulation_id.bytes + seq.to_bytes(4, "big")
