"""Sealed columns: user text, names and external ids rest encrypted.

AES-256-GCM. Each learner has a data key, wrapped by the tenant's key, wrapped by the master key.
The associated data binds a sealed value to its tenant, table, column and row: moved anywhere else
it does not open. Layout: version (1 byte), key id (1 byte), nonce (12), ciphertext and tag.

A tenant may have several keys, by id, while its values move from an old key to a new one: the
newest seals, all of them open. Its lookup hash stays the same through every change of keys.
"""

import hmac
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Final
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from typing_extensions import override

VERSION: Final = 1
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12

LOOKUP_ID: Final = 0
"""Id under which a tenant's lookup key rests once its keys have changed."""

_INSTALLATION: Final = UUID(int=0)
"""No tenant has this id."""

RandomBytes = Callable[[int], bytes]


class UnsealError(Exception):
    """A sealed value does not open: another key, another row, or changed bytes."""


class UnknownKeyError(UnsealError):
    """The value names a key that this process does not know: newer than its keys, or long gone."""


class SealKey:
    """A key for the sealed columns of one learner or one tenant."""

    def __init__(
        self, tenant_id: UUID, key: bytes, *, key_id: int = 1, random: RandomBytes = os.urandom
    ) -> None:
        self._scope = tenant_id.bytes
        self._ciphers = {key_id: AESGCM(key)}
        self._key_id = key_id
        self._random = random

    @property
    def key_id(self) -> int:
        """Of the key that seals, 1 to 255: the second byte of what it sealed."""
        return self._key_id

    def seal(self, plain: bytes, column: str, row: bytes) -> bytes:
        """Return the sealed form of `plain` for this `table.column` and row (its id's bytes)."""
        nonce = self._random(NONCE_BYTES)
        cipher = self._ciphers[self._key_id]
        sealed = cipher.encrypt(nonce, plain, self._associated(column, row))
        return bytes((VERSION, self._key_id)) + nonce + sealed

    def open(self, sealed: bytes, column: str, row: bytes) -> bytes:
        """Return the plain bytes.

        Raises:
            UnsealError: the value was sealed for another row or key, or was changed.
            UnknownKeyError: it names a key that is not known here.
        """
        if len(sealed) < 2 + NONCE_BYTES or sealed[0] != VERSION:
            raise UnsealError("not a sealed value of a known version")
        cipher = self._ciphers.get(sealed[1])
        if cipher is None:
            raise UnknownKeyError(f"sealed with key {sealed[1]}, which is not known here")
        nonce, body = sealed[2 : 2 + NONCE_BYTES], sealed[2 + NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, body, self._associated(column, row))
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
    """A tenant's own keys: they seal team names and external ids, wrap learner keys, key the lookup
    hash.
    """

    def __init__(
        self,
        tenant_id: UUID,
        key: bytes,
        *,
        key_id: int = 1,
        others: Mapping[int, bytes] | None = None,
        lookup_key: bytes | None = None,
        on_unknown: Callable[[], None] | None = None,
        random: RandomBytes = os.urandom,
    ) -> None:
        """Make it of the key that seals, and what else there is.

        Args:
            tenant_id: Whose.
            key: 32 bytes, which seal from now on.
            key_id: Its id, 1 to 255.
            others: Older and coming keys by id, which only open.
            lookup_key: Of the lookup hash, where the first key is no longer the one that seals.
            on_unknown: Called when a value names a key that is not among these.
            random: Source of nonces and keys.
        """
        super().__init__(tenant_id, key, key_id=key_id, random=random)
        self.tenant_id = tenant_id
        self.lookup_key = lookup_key or hmac.digest(key, b"rapport lookup v1", sha256)
        for other_id, other in (others or {}).items():
            self._ciphers[other_id] = AESGCM(other)
        self._on_unknown = on_unknown

    @override
    def open(self, sealed: bytes, column: str, row: bytes) -> bytes:
        try:
            return super().open(sealed, column, row)
        except UnknownKeyError:
            if self._on_unknown is not None:
                self._on_unknown()
            raise

    def lookup(self, text: str) -> bytes:
        """Return the 32-byte keyed hash by which a sealed external id is found."""
        return hmac.digest(self.lookup_key, text.encode(), sha256)

    def new_learner_key(self, learner_id: UUID) -> bytes:
        """Make a data key for a learner; return it wrapped."""
        return self.seal(self._random(KEY_BYTES), "learner_keys.wrapped", learner_id.bytes)

    def learner_key(self, learner_id: UUID, wrapped: bytes) -> SealKey:
        """Unwrap a learner's data key; raises `UnsealError`."""
        key = self.open(wrapped, "learner_keys.wrapped", learner_id.bytes)
        return SealKey(self.tenant_id, key, random=self._random)


class WrappedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key of a tenant as it rests."""

    key_id: int
    """1 to 255; `LOOKUP_ID`: the key of the lookup hash, which seals nothing."""
    wrapped: bytes
    is_active: bool = True
    """Its time has come; of the active ones the last in the list seals."""


class MasterKey:
    """The key of the installation, which wraps every tenant's key."""

    def __init__(
        self, key: bytes, *, previous: bytes | None = None, random: RandomBytes = os.urandom
    ) -> None:
        """Make it; what `previous` wrapped opens as well, while an installation changes over."""
        for each in (key, previous):
            if each is not None and len(each) != KEY_BYTES:
                raise ValueError("the master key has 32 bytes")
        self._keys = (key,) if previous is None else (key, previous)
        self._random = random

    def new_tenant_key(self, tenant_id: UUID, key_id: int = 1) -> bytes:
        """Make a tenant's key; return it wrapped."""
        return self.wrap(tenant_id, key_id, self._random(KEY_BYTES))

    def wrap(self, tenant_id: UUID, key_id: int, key: bytes) -> bytes:
        """Return 32 bytes of a tenant as they may rest."""
        return self._wrapper(tenant_id, self._keys[0]).seal(key, _place(key_id), tenant_id.bytes)

    def rewrap(self, tenant_id: UUID, key_id: int, wrapped: bytes) -> bytes | None:
        """Return a tenant's key wrapped with the newest master key; None: it is already.

        Raises:
            UnknownKeyError: no master key that is known opens it.
        """
        try:
            self._wrapper(tenant_id, self._keys[0]).open(wrapped, _place(key_id), tenant_id.bytes)
        except UnsealError:
            return self.wrap(tenant_id, key_id, self._unwrap(tenant_id, key_id, wrapped))
        return None

    def tenant_key(self, tenant_id: UUID, wrapped: bytes) -> TenantKey:
        """Unwrap a tenant's first and only key; raises `UnknownKeyError`."""
        return self.tenant_keys(tenant_id, (WrappedKey(key_id=1, wrapped=wrapped),))

    def tenant_keys(
        self,
        tenant_id: UUID,
        wrapped: Sequence[WrappedKey],
        on_unknown: Callable[[], None] | None = None,
    ) -> TenantKey:
        """Unwrap all keys of a tenant; the last active one seals.

        Raises:
            UnknownKeyError: another master key wrapped one of them, or none of them seals.
        """
        keys = {each.key_id: self._unwrap(tenant_id, each.key_id, each.wrapped) for each in wrapped}
        active = [each.key_id for each in wrapped if each.is_active and each.key_id != LOOKUP_ID]
        if not active:
            raise UnknownKeyError("the tenant has no key that seals")
        lookup_key = keys.pop(LOOKUP_ID, None)
        return TenantKey(
            tenant_id,
            keys.pop(active[-1]),
            key_id=active[-1],
            others=keys,
            lookup_key=lookup_key,
            on_unknown=on_unknown,
            random=self._random,
        )

    def wrap_hash_key(self, key: bytes) -> bytes:
        """Return the installation's hash key as it may rest."""
        return self.wrap(_INSTALLATION, LOOKUP_ID, key)

    def open_hash_key(self, wrapped: bytes) -> bytes:
        """Return the installation's hash key; raises `UnknownKeyError`."""
        return self._unwrap(_INSTALLATION, LOOKUP_ID, wrapped)

    def _unwrap(self, tenant_id: UUID, key_id: int, wrapped: bytes) -> bytes:
        for key in self._keys:
            with suppress(UnsealError):
                return self._wrapper(tenant_id, key).open(wrapped, _place(key_id), tenant_id.bytes)
        raise UnknownKeyError(
            "a wrapped key does not open: RAPPORT_MASTER_KEY is not the one that wrapped it,"
            " nor is RAPPORT_MASTER_KEY_PREVIOUS"
        )

    def _wrapper(self, tenant_id: UUID, key: bytes) -> SealKey:
        return SealKey(tenant_id, key, random=self._random)


def _place(key_id: int) -> str:
    """Return what binds a wrapped key to its id; the first ones were bound to their tenant only."""
    return "tenant_keys.wrapped" if key_id == 1 else f"tenant_keys.wrapped/{key_id}"


def turn_row(simulation_id: UUID, seq: int) -> bytes:
    """Return the row bytes of a turn's sealed text: turns are known by simulation and number."""
    return simulation_id.bytes + seq.to_bytes(4, "big")
