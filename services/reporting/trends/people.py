"""Who is in a rollup: per person how many scores and their sum, sorted by id, as 24-byte records.

With it, learners are counted, intervals are drawn over people, and trends are centered by person,
all from rollups and without a look at the facts.
"""

from collections.abc import Sequence
from itertools import pairwise
from uuid import UUID

import numpy as np
import numpy.typing as npt

PERSON = np.dtype([("person", "S16"), ("n", "<i4"), ("total", "<i4")])
"""One record, as stored: 16 bytes id, number of scores, their sum (100 x n at most)."""

KEYED = np.dtype([("key", ">u4"), ("person", "S16")])
"""What people of several rollups are sorted by: which rollup, then the id."""

People = npt.NDArray[np.void]
"""An array of `PERSON` records."""

Integers = npt.NDArray[np.int64]

EMPTY: People = np.empty(0, PERSON)
"""Nobody."""


def decode(blob: bytes) -> People:
    """Return the records of one rollup, without a copy; read only.

    Raises:
        ValueError: the length is no multiple of 24.
    """
    return np.frombuffer(blob, PERSON)


def encode(people: People) -> bytes:
    """Return what is stored of records that are sorted by person, each once."""
    return people.tobytes()


def decode_all(blobs: Sequence[bytes]) -> tuple[People, Integers]:
    """Return the records of several rollups in a row, and where each rollup's begin.

    The second array has one entry more than there are rollups: the last is the end.
    """
    starts = np.zeros(len(blobs) + 1, np.int64)
    np.cumsum([len(blob) // PERSON.itemsize for blob in blobs], out=starts[1:])
    return decode(b"".join(blobs)), starts


def merge(parts: Sequence[People]) -> People:
    """Return the people of all parts, their numbers added up; order does not matter."""
    if not parts:
        return EMPTY
    together = np.concatenate(parts)
    keys = np.zeros(len(together), np.int64)
    return merge_by_key(keys, together)[1]


def merge_by_key(keys: Integers, people: People) -> tuple[Integers, People]:
    """Add up the records of each key and person; sorted by both, those that reach zero left out.

    Args:
        keys: Which rollup each record belongs to, from 0.
        people: As many records; counts may be negative: differences.
    """
    order = np.empty(len(people), KEYED)
    order["key"], order["person"] = keys, people["person"]
    packed = order.view(f"S{KEYED.itemsize}")
    unique, places = np.unique(packed, return_inverse=True)
    merged = np.zeros(len(unique), PERSON)
    rows = unique.view(KEYED)
    merged["person"] = rows["person"]
    for field in ("n", "total"):
        sums = np.bincount(places, weights=people[field], minlength=len(unique))
        merged[field] = sums.astype(np.int64)  # exact: far below 2**53
    kept = (merged["n"] != 0) | (merged["total"] != 0)
    return rows["key"].astype(np.int64)[kept], merged[kept]


def split(keys: Integers, people: People, rollups: int) -> list[bytes]:
    """Return what is stored of each rollup 0..rollups-1; the records are sorted by key."""
    starts = np.searchsorted(keys, np.arange(rollups + 1)) * PERSON.itemsize
    whole = people.tobytes()
    return [whole[start:end] for start, end in pairwise(starts.tolist())]


def ids_of(people: People) -> list[UUID]:
    """Return the person ids in the order of the records."""
    # Not `tolist()` of the field itself: that cuts zero bytes off the end of an id.
    raw = np.ascontiguousarray(people["person"]).tobytes()
    return [UUID(bytes=raw[at : at + 16]) for at in range(0, len(raw), 16)]
