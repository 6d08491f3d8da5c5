"""Rollups of teams as arrays, and which of them may be counted.

The honest limits are those of `limits`. What is added here is speed: where every part of a skill
has enough people in a month, each part is a block of its own, and nothing else needs to be looked
at: no block reaches over the end of a month.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from operator import itemgetter
from typing import Final, Literal, NamedTuple
from uuid import UUID

import numpy as np
import numpy.typing as npt

from services.reporting.trends.distributions import CELLS, STORED, Histograms
from services.reporting.trends.limits import Atom, Kind, Partition, partition, people_masks
from services.reporting.trends.numbering import numbered
from services.reporting.trends.people import Integers, People, decode

Booleans = npt.NDArray[np.bool_]

EPOCH: Final = date(2000, 1, 1)
"""Days are stored in rows as days after this one."""

_EPOCH: Final = EPOCH.toordinal()

_UNIX_EPOCH: Final = date(1970, 1, 1).toordinal()

DAY_BITS: Final = 22
"""Enough for every day up to the year 9999, counted from 0001-01-01."""

Level = Literal["skill", "root"]


class GroupRow(NamedTuple):
    """All stored rollups of one team, skill and source."""

    team_id: UUID
    skill: str
    is_practice: bool
    days: bytes
    """Per rollup: its bucket as days after `EPOCH`; int32, big-endian."""
    amounts: bytes
    """Per rollup: how many people; int32, big-endian."""
    people: bytes
    """Their records, one rollup after the other."""
    histograms: bytes
    """Likewise; empty where nobody asks for them."""


class Group(NamedTuple):
    """What rollups are about."""

    team: UUID
    skill: str
    kind: Kind


class Sheet(NamedTuple):
    """Atoms (team, skill, practice or real, cut week) sorted by those, and who scored in them."""

    groups: tuple[Group, ...]
    group: Integers
    """Of each atom."""
    day: Integers
    """Of each atom: the first day of its bucket, as `date.toordinal` has it."""
    least: Integers
    """Of each atom: it has at least that many people (sources of one kind share an atom)."""
    atom_of_row: Integers
    histograms: npt.NDArray[np.int32]
    """101 counts per stored rollup; no rows where nobody asked for them."""
    persons: int
    atom: Integers
    """Of each record: its atom. A person may have several records in one."""
    person: Integers
    """Of each record: 0..persons-1."""
    n: Integers
    total: Integers
    records: People
    """As they were stored."""


class Countable(NamedTuple):
    """Which atoms may be counted."""

    alone: Booleans
    """Of each atom: it is a block of its own."""
    members: Integers
    """Atoms that have to be looked at together; `partition` is about them, in this order."""
    partition: Partition
    names: frozenset[tuple[UUID, str]]
    """Team and skill (or root) of these: all or nothing of each month of theirs is in `members`."""
    open_from: date


def sheet_of(rows: Sequence[GroupRow]) -> Sheet:
    """Put rows together."""
    rows = sorted(rows, key=itemgetter(0, 1, 2))
    keys_of_rows = [row[:3] for row in rows]
    groups = {key: number for number, key in enumerate(dict.fromkeys(keys_of_rows))}
    group_of_row = np.repeat(
        np.array([groups[key] for key in keys_of_rows], dtype=np.int64),
        [len(row.days) // 4 for row in rows],
    )
    days = _numbers(row.days for row in rows) + _EPOCH
    amounts = _numbers(row.amounts for row in rows)
    keys, atom_of_row = np.unique((group_of_row << DAY_BITS) + days, return_inverse=True)
    atom_of_row = atom_of_row.astype(np.int64)
    least = np.zeros(len(keys), dtype=np.int64)
    np.maximum.at(least, atom_of_row, amounts)
    people = decode(b"".join(row.people for row in rows))
    persons, person = numbered(people)
    return Sheet(
        groups=tuple(
            Group(team_id, skill, "practice" if is_practice else "real")
            for team_id, skill, is_practice in groups
        ),
        group=keys >> DAY_BITS,
        day=keys & ((1 << DAY_BITS) - 1),
        least=least,
        atom_of_row=atom_of_row,
        histograms=np.frombuffer(b"".join(row.histograms for row in rows), STORED).reshape(
            -1, CELLS
        ),
        persons=persons,
        atom=np.repeat(atom_of_row, amounts),
        person=person,
        n=people["n"].astype(np.int64),
        total=people["total"].astype(np.int64),
        records=people,
    )


def countable(sheet: Sheet, level: Level, *, min_people: int, open_from: date) -> Countable:
    """Return which atoms may be counted in answers about skills, or about roots.

    Raises:
        ValueError: fewer people are asked for than the floor.
    """
    names = [(group.team, name_of(group.skill, level)) for group in sheet.groups]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    name_of_atom = np.array([numbers[name] for name in names], dtype=np.int64)[sheet.group]
    is_over = sheet.day < open_from.toordinal()
    period = name_of_atom + len(numbers) * _months_of(sheet.day)
    is_bad = np.zeros(int(period.max(initial=-1)) + 1, dtype=np.bool_)
    is_bad[period[is_over & (sheet.least < min_people)]] = True
    is_member = is_bad[period]
    members = np.flatnonzero(is_member)
    named = set(name_of_atom[members].tolist())
    return Countable(
        alone=is_over & ~is_member,
        members=members,
        partition=partition(_atoms(sheet, members), min_people=min_people, open_from=open_from),
        names=frozenset(name for name, number in numbers.items() if number in named),
        open_from=open_from,
    )


def _months_of(days: Integers) -> Integers:
    """Return the month of each day, from 0 for the first of them."""
    dates = (days - _UNIX_EPOCH).astype("datetime64[D]")
    months = dates.astype("datetime64[M]").astype(np.int64)
    return months - months.min() if len(months) else months


def histograms_of(sheet: Sheet, place_of_atom: Integers, places: int) -> Histograms:
    """Return the histogram of each place; atoms of place -1 are in none."""
    found = np.zeros((places, CELLS), dtype=np.int64)
    place = place_of_atom[sheet.atom_of_row]
    order = np.argsort(place, kind="stable")
    order = order[np.searchsorted(place[order], 0) :]
    if len(order):
        starts = np.flatnonzero(np.diff(place[order], prepend=-1))
        # One pass over rows that lie together: several times quicker than adding row by row.
        found[place[order][starts]] = np.add.reduceat(
            sheet.histograms[order].astype(np.int64), starts, axis=0
        )
    return found


class Sums(NamedTuple):
    """A row per place, a column per person."""

    n: Integers
    totals: Integers


def sums_of(sheet: Sheet, place_of_atom: Integers, places: int) -> Sums:
    """Return what each person scored in each place; atoms of place -1 are in none."""
    place = place_of_atom[sheet.atom]
    counted = place >= 0
    flat = place[counted] * sheet.persons + sheet.person[counted]
    size = places * sheet.persons
    n, totals = (
        np.bincount(flat, weights=values[counted], minlength=size)  # exact: far below 2**53
        .astype(np.int64)
        .reshape(places, sheet.persons)
        for values in (sheet.n, sheet.total)
    )
    return Sums(n, totals)


def name_of(skill: str, level: Level) -> str:
    """Return the skill, or its root."""
    return skill if level == "skill" else skill.partition(".")[0]


def in_range(sheet: Sheet, start: date, end: date) -> Booleans:
    """Return which atoms start between two days, inclusive."""
    return (sheet.day >= start.toordinal()) & (sheet.day <= end.toordinal())


def _numbers(parts: Iterable[bytes]) -> Integers:
    return np.frombuffer(b"".join(parts), ">i4").astype(np.int64)


def _atoms(sheet: Sheet, members: Integers) -> list[Atom]:
    if not len(members):
        return []
    local = np.full(len(sheet.group), -1, dtype=np.int64)
    local[members] = np.arange(len(members))
    row = local[sheet.atom]
    there = row >= 0
    masks = people_masks(row[there], sheet.person[there], row_count=len(members))
    days = {day: date.fromordinal(day) for day in np.unique(sheet.day[members]).tolist()}
    groups = [sheet.groups[group] for group in sheet.group[members].tolist()]
    return [
        Atom(group.team, group.skill, group.kind, days[day], mask)
        for group, day, mask in zip(groups, sheet.day[members].tolist(), masks, strict=True)
    ]
