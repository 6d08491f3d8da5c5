"""Who did what before and after a program: people's own means, from blocks that may be shown.

Only whole blocks of the suppression rules are counted, and of a block only people whose number,
like that of all others in it, is none or enough: no answer here differs from another report by the
scores of a few people.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from services.reporting.trends.buckets import last_day

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

TREATED: Final = 1
COMPARISON: Final = 2
OTHERS: Final = 0

BEFORE: Final = 1
AFTER: Final = 2

_WEEK: Final = timedelta(days=7)


class Tally(NamedTuple):
    """What people did in long form: one entry per atom (team, key, bucket) and person."""

    atom: Integers
    person: Integers
    """From 0."""
    n: Integers
    total: Floats
    cohort: Integers
    """`TREATED`, `COMPARISON` or `OTHERS`."""
    people: int
    """How many persons there are."""


class Piece(NamedTuple):
    """A block: atoms that are counted together or not at all."""

    key: str
    first: date
    """First day of its first bucket."""
    last: date
    """First day of its last bucket."""
    atoms: tuple[int, ...]


class Windows(NamedTuple):
    """The two spans that are compared; both of days, inclusive."""

    baseline_from: date
    baseline_to: date
    follow_up_from: date
    follow_up_to: date


class Sample(NamedTuple):
    """Each person's own mean before and after; NaN where there is none."""

    before: Floats
    after: Floats


def side_of(piece: Piece, windows: Windows) -> int:
    """Return where a block lies; 0 when it is in neither span with all its days."""
    end = last_day(piece.last)
    if windows.baseline_from <= piece.first and end <= windows.baseline_to:
        return BEFORE
    if windows.follow_up_from <= piece.first and end <= windows.follow_up_to:
        return AFTER
    return 0


def masks_of(tally: Tally, cohort: int, atoms: int) -> list[int]:
    """Return per atom the people of a cohort, one bit each."""
    masks = [0] * atoms
    chosen = tally.cohort == cohort
    pairs = zip(tally.atom[chosen].tolist(), tally.person[chosen].tolist(), strict=True)
    for atom, person in pairs:
        masks[atom] |= 1 << person
    return masks


def usable(
    tally: Tally, pieces: Sequence[Piece], *, atoms: int, min_people: int
) -> tuple[Piece, ...]:
    """Return the blocks in which each cohort, and everybody else, is nobody or enough people."""
    by_cohort = [masks_of(tally, each, atoms) for each in (TREATED, COMPARISON, OTHERS)]

    def is_safe(piece: Piece) -> bool:
        counts = [_count(masks, piece.atoms) for masks in by_cohort]
        return all(count == 0 or count >= min_people for count in counts)

    return tuple(piece for piece in pieces if is_safe(piece))


def sides_of_atoms(pieces: Sequence[Piece], windows: Windows, *, atoms: int) -> Integers:
    """Return per atom `BEFORE`, `AFTER` or 0."""
    sides = np.zeros(atoms, np.int64)
    for piece in pieces:
        sides[list(piece.atoms)] = side_of(piece, windows)
    return sides


def sample_of(tally: Tally, sides: Integers, atoms: Flags, cohort: int) -> Sample:
    """Return the means of a cohort's people over some atoms, given each atom's side."""
    chosen = atoms[tally.atom] & (tally.cohort == cohort)
    side = sides[tally.atom]
    return Sample(*(_means(tally, chosen & (side == each)) for each in (BEFORE, AFTER)))


def settle(sample: Sample, min_people: int) -> Sample | None:
    """Return the people that an effect is made of; None where too few were there on both sides.

    Who was there on one side only counts as well: the mean of the others alone could be subtracted
    from that of another span, and would tell what a few people scored.
    """
    before, after = ~np.isnan(sample.before), ~np.isnan(sample.after)
    if (before & after).sum() < min_people:
        return None
    there = before | after
    return Sample(sample.before[there], sample.after[there])


def turnover(sample: Sample) -> float:
    """Return the share (0..1) of people who were there on one side only."""
    return float((np.isnan(sample.before) | np.isnan(sample.after)).mean())


def _means(tally: Tally, chosen: Flags) -> Floats:
    person = tally.person[chosen]
    n = np.bincount(person, weights=tally.n[chosen], minlength=tally.people)
    total = np.bincount(person, weights=tally.total[chosen], minlength=tally.people)
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)


def _count(masks: Sequence[int], atoms: Sequence[int]) -> int:
    people = 0
    for atom in atoms:
        people |= masks[atom]
    return people.bit_count()
