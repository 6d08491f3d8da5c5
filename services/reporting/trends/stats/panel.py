"""Who scored what in which week, of several cells (skills) at once, as arrays."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]


class Cells(NamedTuple):
    """S cells of one team over W weeks and P people; a person has one index in all cells."""

    names: tuple[str, ...]
    """What each cell is about: a skill or a root."""
    weeks: tuple[date, ...]
    """First days of the weeks (or other equal or unequal steps), ascending."""
    n: Integers
    """[S, W, P]: how many scores."""
    totals: Integers
    """[S, W, P]: their sum."""
    breaks: Booleans
    """[S, W]: whether another version of rubric or judge begins with that week."""

    @property
    def times(self) -> Floats:
        """The weeks as numbers: 0 is the first one, a unit is seven days."""
        return np.array([(week - self.weeks[0]).days / 7 for week in self.weeks], dtype=np.float64)

    @property
    def segments(self) -> Integers:
        """[S, W]: the number of breaks up to each week, so that equal numbers are one version."""
        return np.cumsum(self.breaks, axis=1, dtype=np.int64)


def cells_of(
    names: Sequence[str],
    weeks: Sequence[date],
    people: int,
    *,
    cell: npt.ArrayLike,
    week: npt.ArrayLike,
    person: npt.ArrayLike,
    n: npt.ArrayLike,
    totals: npt.ArrayLike,
    breaks: npt.NDArray[np.bool_] | None = None,
) -> Cells:
    """Return cells from the long form: equally long columns of indexes and of what to add there.

    Rows of the same cell, week and person add up (several sources, a week cut at a month's end).

    Args:
        names: of the cells that `cell` indexes.
        weeks: ascending, indexed by `week`.
        people: how many people `person` indexes, best in the order of their ids, so that the
            same data always give the same interval.
        cell: index of the cell per row.
        week: index of the week per row.
        person: index of the person per row.
        n: how many scores per row.
        totals: their sum per row.
        breaks: [S, W]; none when left out.
    """
    shape = (len(names), len(weeks), people)
    flat = np.ravel_multi_index(
        (
            np.asarray(cell, dtype=np.intp),
            np.asarray(week, dtype=np.intp),
            np.asarray(person, dtype=np.intp),
        ),
        shape,
    )

    def gathered(values: npt.ArrayLike) -> Integers:
        # Sums of integers as floats are exact below 2**53.
        weights = np.asarray(values, dtype=np.float64)
        sums = np.bincount(flat, weights=weights, minlength=len(names) * len(weeks) * people)
        return sums.astype(np.int64).reshape(shape)

    return Cells(
        names=tuple(names),
        weeks=tuple(weeks),
        n=gathered(n),
        totals=gathered(totals),
        breaks=np.zeros(shape[:2], dtype=np.bool_) if breaks is None else breaks,
    )
