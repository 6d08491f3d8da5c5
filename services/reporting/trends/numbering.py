"""People of many rollups as small numbers, quickly: whatever is counted by person uses these."""

from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from services.reporting.trends.people import Integers, People

_ODDS: Final = tuple(
    np.uint64(odd) for odd in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)
)
"""What ids are mixed with, one after the other."""

_Way: TypeAlias = Callable[[npt.NDArray[np.uint64]], tuple[int, Integers]]

_MANY: Final = 20_000
"""Records from which on a big table beats sorting."""

_BITS: Final = 22
"""Of the big table: a few thousand people rarely meet in four million places."""

_FEW_BITS: Final = 16
"""Of the small one, which is quick enough to be tried in vain: the people of one team fit."""


def numbered(people: People) -> tuple[int, Integers]:
    """Return how many distinct people records are about, and the number of each record's person.

    Ids are told apart by some of their bits, mixed, which is far quicker than by all; then they are
    compared in full, and told apart in another way should two ever mix alike.
    """
    if not len(people):
        return 0, np.zeros(0, dtype=np.int64)
    ids = np.ascontiguousarray(people["person"]).view("<u8").reshape(-1, 2)
    for number in _ways(len(ids)):
        amount, person = number(ids)
        first = np.empty(amount, dtype=np.int64)
        first[person] = np.arange(len(person))
        if (ids[first[person]] == ids).all():
            return amount, person
    unique, person = np.unique(people["person"], return_inverse=True)
    return len(unique), person.astype(np.int64)


def _mixed(ids: npt.NDArray[np.uint64], odd: np.uint64) -> npt.NDArray[np.uint64]:
    mixed: npt.NDArray[np.uint64] = (ids[:, 0] * odd ^ ids[:, 1]) * odd
    return mixed


def _sorting(ids: npt.NDArray[np.uint64]) -> tuple[int, Integers]:
    unique, person = np.unique(_mixed(ids, _ODDS[0]), return_inverse=True)
    return len(unique), person.astype(np.int64)


def _table(ids: npt.NDArray[np.uint64], odd: np.uint64, bits: int) -> tuple[int, Integers]:
    place = (_mixed(ids, odd) >> np.uint64(64 - bits)).astype(np.int64)
    is_used = np.zeros(1 << bits, dtype=np.bool_)
    is_used[place] = True
    used = np.flatnonzero(is_used)
    numbers = np.empty(1 << bits, dtype=np.int64)
    numbers[used] = np.arange(len(used))
    return len(used), numbers[place]


def _ways(amount: int) -> tuple[_Way, ...]:
    """Return what to try, the quickest first; each is right unless two ids mix alike."""
    if amount < _MANY:
        return (partial(_table, odd=_ODDS[0], bits=_FEW_BITS), _sorting)
    return (*(partial(_table, odd=odd, bits=_BITS) for odd in _ODDS), _sorting)
