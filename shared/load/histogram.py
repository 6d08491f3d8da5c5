"""Durations counted in buckets that grow by a constant factor, so that counts of many processes and
minutes add up and a percentile of the sum is right to within a tenth.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Final

PER_OCTAVE: Final = 4
"""Buckets per doubling: a bucket is 19 % wide, so its middle is at most 9 % off."""

FIRST_S: Final = 0.001
"""Upper bound of the first bucket, seconds."""

BUCKETS: Final = 96
"""The last one begins at 0.001 * 2 ** (94 / 4) s, about three hours, and holds everything above."""

_SCALE: Final = PER_OCTAVE / math.log(2)
_LOG_FIRST: Final = math.log(FIRST_S)


def bucket_of(seconds: float) -> int:
    """Return the index of the bucket that a duration falls into, 0..95."""
    if seconds <= FIRST_S:
        return 0
    return min(int((math.log(seconds) - _LOG_FIRST) * _SCALE) + 1, BUCKETS - 1)


def middle_of(bucket: int) -> float:
    """Return the duration in seconds that stands for a bucket."""
    if bucket == 0:
        return FIRST_S / 2
    return FIRST_S * math.pow(2.0, (bucket - 0.5) / PER_OCTAVE)


def merged(histograms: Iterable[Sequence[int]]) -> list[int]:
    """Return the sum of histograms; each may be shorter than `BUCKETS`."""
    total: list[int] = []
    for each in histograms:
        if len(each) > len(total):
            total.extend([0] * (len(each) - len(total)))
        for index, count in enumerate(each):
            total[index] += count
    return total


def percentile(histogram: Sequence[int], share: float) -> float | None:
    """Return the duration in seconds below which `share` (0..1) of the counted ones lie.

    None when nothing was counted.
    """
    total = sum(histogram)
    if total == 0:
        return None
    wanted = max(math.ceil(total * share), 1)
    seen = 0
    for index, count in enumerate(histogram):
        seen += count
        if seen >= wanted:
            return middle_of(index)
    raise AssertionError("the parts add up to the whole")
