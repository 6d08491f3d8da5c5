"""How entries become a chain: what is sealed cannot be changed, removed or put in without trace.

    link(0) = SHA-256("rapport trail v1" | chain id)
    link(n) = SHA-256(link(n-1) | n as 8 bytes | SHA-256 of entry n as canonical JSON)

Anybody can recompute that from an export. The head is signed with a key that the database does not
know, and each export and each day's log carry it elsewhere: so a chain that was made anew, or cut,
is found as well.
"""

import hashlib
import hmac
from typing import Final, NamedTuple
from uuid import UUID

_GENESIS: Final = b"rapport trail v1"


class Head(NamedTuple):
    """How far a chain is sealed."""

    chain: UUID
    position: int
    """Of the newest sealed entry; 0 where there is none."""
    hash: bytes
    """The link of that entry."""
    pruned_position: int = 0
    """Entries up to here are no longer kept."""
    pruned_hash: bytes | None = None
    """The link of the last of those; None: all are kept."""

    @property
    def start(self) -> tuple[int, bytes]:
        """Position and link that the first kept entry follows."""
        if self.pruned_hash is None:
            return 0, genesis(self.chain)
        return self.pruned_position, self.pruned_hash


def genesis(chain: UUID) -> bytes:
    """Return the link before the first entry of a chain."""
    return hashlib.sha256(_GENESIS + chain.bytes).digest()


def link(previous: bytes, position: int, entry_hash: bytes) -> bytes:
    """Return the link of an entry: 32 bytes."""
    return hashlib.sha256(previous + position.to_bytes(8, "big") + entry_hash).digest()


class HeadSigner:
    """Signs heads with a key that is made of the installation's key for hashes."""

    def __init__(self, key: bytes) -> None:
        self._key = hmac.digest(key, b"rapport trail head v1", "sha256")

    def sign(self, head: Head) -> bytes:
        """Return 32 bytes by which a head is known as ours."""
        return hmac.digest(self._key, _said(head), "sha256")

    def is_ours(self, head: Head, mac: bytes) -> bool:
        """Whether a head was signed with this key."""
        return hmac.compare_digest(self.sign(head), mac)


def _said(head: Head) -> bytes:
    numbers = head.position.to_bytes(8, "big") + head.pruned_position.to_bytes(8, "big")
    return head.chain.bytes + numbers + head.hash + (head.pruned_hash or b"")
