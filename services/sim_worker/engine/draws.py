"""Small reproducible draws: the same seed and place give the same number on every machine."""

import zlib


def draw(seed: int, seq: int, place: str, sides: int) -> int:
    """Return 0..sides-1 for a named place in a conversation."""
    return zlib.crc32(f"{seed}:{seq}:{place}".encode()) % sides
