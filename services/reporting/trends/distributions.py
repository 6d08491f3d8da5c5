"""Distributions of scores: integers 0..100, so 101 counts lose nothing and merge exactly."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

CELLS = 101
"""One cell per possible score, 0..100."""

STORED = np.dtype("<i4")
"""One count, as stored: 101 of them make a histogram of 404 bytes."""

Histograms = npt.NDArray[np.int64]
"""A row of 101 counts per rollup."""

_SCORES = np.arange(CELLS, dtype=np.int64)


class Sums(NamedTuple):
    """What histograms add up to, an entry per row."""

    n: npt.NDArray[np.int64]
    total: npt.NDArray[np.int64]
    squares: npt.NDArray[np.int64]


def unpack(blobs: Sequence[bytes]) -> Histograms:
    """Return the stored histograms as rows.

    Raises:
        ValueError: the length of one is not 404.
    """
    return np.frombuffer(b"".join(blobs), STORED).reshape(len(blobs), CELLS).astype(np.int64)


def pack(histograms: Histograms) -> list[bytes]:
    """Return what is stored of each row; counts are 0..2**31 - 1."""
    width = CELLS * STORED.itemsize
    whole = histograms.astype(STORED).tobytes()
    return [whole[at : at + width] for at in range(0, len(whole), width)]


def sums(histograms: Histograms) -> Sums:
    """Return number, sum and sum of squares of each row."""
    return Sums(
        n=histograms.sum(axis=1),
        total=histograms @ _SCORES,
        squares=histograms @ (_SCORES * _SCORES),
    )


def quartile_rows(histograms: Histograms) -> npt.NDArray[np.float64]:
    """Return q1, median and q3 of each row; rows without a score are nan.

    By definition 7 of Hyndman & Fan (1996), the default of R and NumPy: with the sorted scores
    x[0..n-1] and h = (n - 1) * p, the quantile is
    x[floor(h)] + (h - floor(h)) * (x[floor(h) + 1] - x[floor(h)]) for p = 1/4, 1/2, 3/4.
    In quarters, h is an integer: no rounding anywhere, and all cuts are multiples of 0.25.
    """
    ranks = np.cumsum(histograms, axis=1)
    last = ranks[:, -1] - 1
    cuts = np.full((len(histograms), 3), np.nan)
    for quarters in (1, 2, 3):
        index, rest = np.divmod(last * quarters, 4)
        low = (ranks <= index[:, None]).sum(axis=1)
        high = (ranks <= (index + (rest > 0))[:, None]).sum(axis=1)
        cuts[:, quarters - 1] = low + rest * (high - low) / 4
    cuts[last < 0] = np.nan
    return cuts
