"""Whether a chain is what was sealed: entries, links, the head, and heads kept elsewhere."""

from typing import Final, Literal
from uuid import UUID

from shared.contracts.base import Record
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.trail.chain import Head, HeadSigner, link
from shared.trail.entries import digest
from shared.trail.reading import StoredHead, empty_head, find_head, whole

Kind = Literal["changed", "broken-link", "missing", "beyond-head", "head", "signature", "elsewhere"]

MOST_SHOWN: Final = 20
"""Findings of one chain that are listed; the first says where somebody was."""


class Finding(Record, frozen=True, kw_only=True):
    """One thing that is not as it was sealed."""

    position: int
    """Of the entry; of the head: how far it says that the chain goes."""
    kind: Kind
    detail: str


class Verdict(Record, frozen=True, kw_only=True):
    """What a look at one chain found."""

    chain: UUID
    entries: int
    """Sealed entries that were looked at."""
    head: Head
    findings: tuple[Finding, ...]
    """At most `MOST_SHOWN`."""


class _Reading:
    """Follows a chain and notes where it does not go on as it should."""

    def __init__(self, head: Head, kept: dict[int, bytes]) -> None:
        self.position, self.hash = head.start
        self.entries = 0
        self.findings: list[Finding] = []
        self._kept = kept

    def note(self, position: int, kind: Kind, detail: str) -> None:
        if len(self.findings) < MOST_SHOWN:
            self.findings.append(Finding(position=position, kind=kind, detail=detail))

    def check_kept(self, position: int, hash_: bytes) -> None:
        """Compare with a head that was kept elsewhere."""
        expected = self._kept.get(position)
        if expected is not None and expected != hash_:
            self.note(position, "elsewhere", "a head that was kept elsewhere says otherwise")


async def verify(
    database: Database, chain: UUID, signer: HeadSigner, kept: dict[int, bytes] | None = None
) -> Verdict:
    """Read a chain from its beginning and compare it with what was sealed.

    Where retention takes the beginning away meanwhile, the chain is read once more.

    Args:
        database: The process's pools.
        chain: The tenant's id, or `FLEET`.
        signer: Knows the signatures of heads.
        kept: Hashes by position that were kept elsewhere: in exports, in logs.
    """
    while True:
        verdict = await _read(database, chain, signer, kept or {})
        now = await _head(database, chain)
        moved = now is not None and now.head.pruned_position > verdict.head.pruned_position
        if not verdict.findings or not moved:
            return verdict


async def _read(
    database: Database, chain: UUID, signer: HeadSigner, kept: dict[int, bytes]
) -> Verdict:
    """Read a chain once, its head first: what is sealed meanwhile lies beyond it."""
    stored = await _head(database, chain)
    head = empty_head(chain) if stored is None else stored.head
    reading = _Reading(head, kept)
    reading.check_kept(reading.position, reading.hash)
    async for one in whole(database, chain):
        if one.position <= head.pruned_position:
            continue
        reading.entries += 1
        if one.position != reading.position + 1:
            reading.note(reading.position + 1, "missing", f"the next entry is {one.position}")
        if digest(one.content) != one.entry_hash:
            reading.note(one.position, "changed", "the entry is not the one that was sealed")
        if link(reading.hash, one.position, one.entry_hash) != one.hash:
            reading.note(one.position, "broken-link", "it does not follow the entry before")
        reading.position, reading.hash = one.position, one.hash
        reading.check_kept(one.position, one.hash)
        if one.position == head.position and one.hash != head.hash:
            reading.note(one.position, "head", "the head has another hash")
    await _check_end(database, chain, reading, head, stored)
    if stored is not None and not signer.is_ours(head, stored.mac):
        reading.note(head.position, "signature", "the head was not signed by this installation")
    for position in sorted(kept):
        if position > reading.position:
            reading.note(position, "elsewhere", "a head that was kept elsewhere goes further")
    return Verdict(
        chain=chain, entries=reading.entries, head=head, findings=tuple(reading.findings)
    )


async def _head(database: Database, chain: UUID) -> StoredHead | None:
    async with tenant_tx(database, chain) as connection:
        return await find_head(connection, chain)


async def _check_end(
    database: Database, chain: UUID, reading: _Reading, head: Head, stored: StoredHead | None
) -> None:
    if reading.position < head.position:
        reading.note(head.position, "missing", f"the last entry is {reading.position}")
    if reading.position > head.position:
        now = await _head(database, chain)
        if now is None or now == stored or now.head.position < reading.position:
            reading.note(reading.position, "beyond-head", f"the head is {head.position}")
