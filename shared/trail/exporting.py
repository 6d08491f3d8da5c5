"""A chain as a file that proves itself: NDJSON, the head first, then every entry in order."""

from collections.abc import AsyncIterator, Iterable
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from shared.db.pool import Database
from shared.db.tx import tenant_reads
from shared.trail.chain import Head, link
from shared.trail.entries import canonical, digest
from shared.trail.reading import empty_head, find_head, whole


async def lines(database: Database, chain: UUID, *, after: int = 0) -> AsyncIterator[bytes]:
    """Yield the head, then the entries beyond `after` up to the head, each as a line of JSON.

    An entry is hashed as the canonical JSON (sorted keys, no spaces) of its line without
    `position`, `entry_hash` and `hash`.
    """
    stored = await find_head(tenant_reads(database), chain)
    head = empty_head(chain) if stored is None else stored.head
    yield msgspec.json.encode({"head": shown(head)}) + b"\n"
    async for one in whole(database, chain, after=after):
        if one.position > head.position:
            return
        line = {
            **one.content,
            "position": one.position,
            "entry_hash": one.entry_hash.hex(),
            "hash": one.hash.hex(),
        }
        yield canonical(line) + b"\n"


def shown(head: Head) -> dict[str, Any]:
    """Return a head as exports write it; `start` is what the first entry is chained to."""
    position, start = head.start
    return {
        "chain": head.chain.hex,
        "position": head.position,
        "hash": head.hash.hex(),
        "pruned_position": position,
        "start": start.hex(),
    }


class Checked(NamedTuple):
    """What a look at an exported file found."""

    position: int
    """How far its head says that the chain goes."""
    hash: bytes
    entries: int
    findings: tuple[str, ...]
    """Where it is not the chain that its head tells of; empty: it is."""


def check(exported: Iterable[bytes]) -> Checked:
    """Recompute the chain of a file; needs nothing but the file.

    A file that begins beyond its chain's start is checked from its first entry on, whose own link
    nothing in the file proves.

    Raises:
        ValueError: it is no export of a chain.
    """
    each = iter(exported)
    head, end, start = _head(next(each, b""))
    previous, position, entries = start, head["pruned_position"], 0
    findings: list[str] = []
    for line in each:
        entry = _object(line)
        place, said, hash_ = _places(entry)
        if digest(entry) != said:
            findings.append(f"{place}: the entry is not the one that was sealed")
        if entries and place != position + 1:
            findings.append(f"{position + 1}: missing")
        is_chained = entries > 0 or place == head["pruned_position"] + 1
        if is_chained and link(previous, place, said) != hash_:
            findings.append(f"{place}: it does not follow the entry before")
        previous, position, entries = hash_, place, entries + 1
    if entries and (position, previous) != (head["position"], end):
        findings.append(f"{position}: the head is another one")
    if not entries and head["position"] > head["pruned_position"]:
        findings.append("it has no entries")
    return Checked(head["position"], end, entries, tuple(findings))


def _head(line: bytes) -> tuple[dict[str, Any], bytes, bytes]:
    try:
        head = _object(line)["head"]
        return head, bytes.fromhex(head["hash"]), bytes.fromhex(head["start"])
    except (KeyError, TypeError, ValueError):
        raise ValueError("the first line is not the head of a chain") from None


def _places(entry: dict[str, Any]) -> tuple[int, bytes, bytes]:
    """Take out of an entry what is not hashed with it: position, its own hash, its link."""
    try:
        said, hash_ = entry.pop("entry_hash"), entry.pop("hash")
        return int(entry.pop("position")), bytes.fromhex(said), bytes.fromhex(hash_)
    except (KeyError, TypeError, ValueError):
        raise ValueError("a line is no entry of a chain") from None


def _object(line: bytes) -> dict[str, Any]:
    found = msgspec.json.decode(line)
    if not isinstance(found, dict):
        raise ValueError("a line is no object of JSON")  # noqa: TRY004 - of a file, not of a caller
    return found
