"""Rows of Postgres into a tally: people numbered, atoms numbered, blocks of enough people found."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

import numpy as np

from services.reporting.trends.limits import Unit, groups_of
from services.reporting.trends.people import decode_all
from services.reporting.trends.roi_sides import (
    COMPARISON,
    OTHERS,
    TREATED,
    Integers,
    Piece,
    Tally,
    masks_of,
)


class Spot(NamedTuple):
    """What an atom is about: the smallest part of what is counted."""

    team: UUID
    key: str
    """A skill, or what else is tallied."""
    bucket: date


class Cohorts(NamedTuple):
    """Who is treated and who is compared with: teams, or people by `person_id`."""

    treated: frozenset[UUID]
    comparison: frozenset[UUID]
    are_teams: bool

    def of(self, team: UUID, person: UUID) -> int:
        """Return the cohort that something counts for."""
        one = team if self.are_teams else person
        if one in self.treated:
            return TREATED
        return COMPARISON if one in self.comparison else OTHERS


class PersonRow(NamedTuple):
    """What one person did at one spot."""

    spot: Spot
    person: UUID
    n: int
    total: float


def tally_of_people(rows: Sequence[PersonRow], cohorts: Cohorts) -> tuple[Tally, tuple[Spot, ...]]:
    """Return the tally of rows in any order, and what its atoms are about."""
    spots = {spot: index for index, spot in enumerate(dict.fromkeys(row.spot for row in rows))}
    persons = {one: index for index, one in enumerate(dict.fromkeys(row.person for row in rows))}
    tally = Tally(
        atom=_integers(spots[row.spot] for row in rows),
        person=_integers(persons[row.person] for row in rows),
        n=_integers(row.n for row in rows),
        total=np.array([row.total for row in rows], np.float64),
        cohort=_integers(cohorts.of(row.spot.team, row.person) for row in rows),
        people=len(persons),
    )
    return tally, tuple(spots)


def tally_of_rollups(
    rollups: Sequence[tuple[Spot, bytes]], cohorts: Cohorts
) -> tuple[Tally, tuple[Spot, ...]]:
    """Return the tally of the people in rollups; several may be of one spot."""
    spots = {spot: index for index, spot in enumerate(dict.fromkeys(each for each, _ in rollups))}
    records, starts = decode_all([blob for _, blob in rollups])
    lengths = np.diff(starts)
    ids, person = np.unique(records["person"], return_inverse=True)
    atom = np.repeat(_integers(spots[spot] for spot, _ in rollups), lengths)
    tally = Tally(
        atom=atom,
        person=person.astype(np.int64),
        n=records["n"].astype(np.int64),
        total=records["total"].astype(np.float64),
        cohort=_cohorts(tuple(spots), atom, ids.tobytes(), person, cohorts),
        people=len(ids),
    )
    return tally, tuple(spots)


def pieces_of(
    tally: Tally, spots: Sequence[Spot], *, min_people: int, open_from: date
) -> tuple[Piece, ...]:
    """Return the blocks of each team and key that may be shown; what is not over is in none.

    They are those of every report of one team and one key, whatever is asked, where the spots
    cover whole months of the team.
    """
    masks = np.zeros(len(spots), object)
    for cohort in (TREATED, COMPARISON, OTHERS):
        masks |= np.array(masks_of(tally, cohort, len(spots)), object)
    places: Mapping[tuple[UUID, str], list[int]] = defaultdict(list)
    for index, spot in enumerate(spots):
        if spot.bucket < open_from:
            places[spot.team, spot.key].append(index)
    found = []
    for (_, key), indexes in places.items():
        units = [
            Unit(spots[at].bucket.replace(day=1), spots[at].bucket, masks[at]) for at in indexes
        ]
        for group in groups_of(units, min_people=min_people):
            atoms = tuple(indexes[member] for member in group)
            buckets = [spots[at].bucket for at in atoms]
            found.append(Piece(key, min(buckets), max(buckets), atoms))
    return tuple(found)


def _cohorts(
    spots: Sequence[Spot], atom: Integers, ids: bytes, person: Integers, cohorts: Cohorts
) -> Integers:
    if cohorts.are_teams:
        nobody = UUID(int=0)
        return _integers(cohorts.of(spot.team, nobody) for spot in spots)[atom] if spots else atom
    people = [UUID(bytes=ids[at : at + 16]) for at in range(0, len(ids), 16)]
    nowhere = UUID(int=0)
    return _integers(cohorts.of(nowhere, one) for one in people)[person] if people else person


def _integers(values: Iterable[int]) -> Integers:
    return np.fromiter(values, np.int64)
