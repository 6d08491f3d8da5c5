"""What may be told of a team next, so that two answers never differ by a few people only.

Somebody joins a team of five, and the mean of six less that of five is theirs. So an answer stays
as it was until enough people have joined, left or changed.
"""

import struct
from collections.abc import Mapping
from datetime import date
from typing import Final
from uuid import UUID

from shared.contracts.base import Record

_ONE: Final = struct.Struct(">16sH")
"""A person and their level in tenths."""

Levels = Mapping[UUID, float]
"""Proficiencies (0..100, one decimal) by person."""


class Told(Record, frozen=True, kw_only=True):
    """What an answer is made of."""

    until: date
    """Scores and memberships count up to the end of this day."""
    levels: Levels


def next_told(before: Told | None, now: Told, *, at_least: int) -> Told | None:
    """Return what to tell; None: nothing, too few people.

    Args:
        before: what was told last.
        now: what is known by now.
        at_least: people, in an answer and in the difference of two.
    """
    told = now if before is None or _is_far(before.levels, now.levels, at_least) else before
    return told if len(told.levels) >= at_least else None


def _is_far(before: Levels, now: Levels, at_least: int) -> bool:
    changed = sum(before.get(each) != now.get(each) for each in before.keys() | now.keys())
    return not changed or changed >= at_least


def encode(levels: Levels) -> bytes:
    """Return levels as bytes: the same levels give the same bytes."""
    return b"".join(
        _ONE.pack(person.bytes, round(10 * levels[person])) for person in sorted(levels)
    )


def decode(packed: bytes) -> dict[UUID, float]:
    """Return the levels in `packed`, as `encode` took them."""
    return {UUID(bytes=person): tenths / 10 for person, tenths in _ONE.iter_unpack(packed)}
