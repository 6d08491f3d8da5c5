"""Small reproducible draws: the same seed and place give the same number on every machine."""

import zlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def draw(seed: int, seq: int, place: str, sides: int) -> int:
    """Return 0..sides-1 for a named place in a conversation."""
    return zlib.crc32(f"{seed}:{seq}:{place}".encode()) % sides


def pick(options: Sequence[T], seed: int, seq: int, place: str) -> T:
    """Return one of the options (at least one)."""
    return options[draw(seed, seq, place, len(options))]
