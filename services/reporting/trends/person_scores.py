"""Scores of each person in a skill, from weeks that group answers may count, and from no others."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

import numpy as np
import numpy.typing as npt

from services.reporting.trends.limits import (
    Atom,
    Kind,
    Partition,
    Scope,
    blocks_of,
    partition,
    people_masks,
)
from services.reporting.trends.people import Integers, decode_all, ids_of


class Scored(NamedTuple):
    """What people of a team scored in a skill in a cut week; rows of several sources may repeat."""

    team_id: UUID
    skill: str
    kind: Kind
    bucket: date
    people: bytes
    """See `people.decode`."""


class Tally(NamedTuple):
    """Number and sum of scores, an entry per person."""

    n: Integers
    total: Integers


class Stays(NamedTuple):
    """Who was scored in which team: one entry per team and person."""

    of_record: Integers
    """Of each record: the index of its stay."""
    team: Integers
    """Of each stay: a number that is the team's alone."""
    person: Integers
    """Of each stay: the index of its person."""


class PersonScores(NamedTuple):
    """Rollups of whole months, put together by person."""

    blocks: Partition
    people: tuple[UUID, ...]
    """In the order of every tally."""
    team_ids: tuple[UUID, ...] | None
    """None: all teams."""
    atom: Integers
    """Of each record: the index of its atom in `blocks`."""
    person: Integers
    """Of each record: the index of its person."""
    n: Integers
    total: Integers

    def skills(self) -> list[str]:
        """Return every skill that somebody was scored in, sorted."""
        return sorted({atom.skill for atom in self.blocks.atoms})

    def tally(self, skill: str, kind: Kind | None, start: date, end: date) -> Tally:
        """Return what each person scored in the published weeks of a time.

        Args:
            skill: a skill, or a root for all its skills.
            kind: practice, real, or None for both.
            start: first day, of a month.
            end: last day, of a month.
        """
        teams = (None,) if self.team_ids is None else self.team_ids
        chosen = self._chosen((Scope(team, skill, kind) for team in teams), start, end)
        people = len(self.people)
        return Tally(
            _sums(self.person[chosen], self.n[chosen], people),
            _sums(self.person[chosen], self.total[chosen], people),
        )

    def stays(self) -> Stays:
        """Return who was scored in which team."""
        numbers = {team: index for index, team in enumerate(self.blocks.teams)}
        teams = [numbers[atom.team] for atom in self.blocks.atoms]
        people = max(len(self.people), 1)
        of_record = np.array(teams, dtype=np.int64)[self.atom] * people + self.person
        found, places = np.unique(of_record, return_inverse=True)
        return Stays(places.astype(np.int64), found // people, found % people)

    def counts_by_stay(
        self, stays: Stays, skill: str, kind: Kind, start: date, end: date
    ) -> Integers:
        """Return how many scores of each stay an answer about its team alone would count."""
        scopes = (Scope(team, skill, kind) for team in self.blocks.teams)
        chosen = self._chosen(scopes, start, end)
        return _sums(stays.of_record[chosen], self.n[chosen], len(stays.person))

    def _chosen(self, scopes: Iterable[Scope], start: date, end: date) -> npt.NDArray[np.bool_]:
        """Return of each record whether answers about the scopes may count it."""
        is_counted = np.zeros(len(self.blocks.atoms), dtype=np.bool_)
        for scope in scopes:
            for block in blocks_of(self.blocks, scope, start=start, end=end):
                is_counted[list(block.atoms)] = True
        return is_counted[self.atom]


def person_scores(
    rows: Sequence[Scored],
    team_ids: tuple[UUID, ...] | None,
    *,
    min_people: int,
    open_from: date,
) -> PersonScores:
    """Put rollups together; they hold every skill and both kinds of the teams, in whole months."""
    places: dict[tuple[UUID, str, Kind, date], int] = {}
    of_row = np.array([places.setdefault(row[:4], len(places)) for row in rows], dtype=np.int64)
    records, starts = decode_all([row.people for row in rows])
    atom = np.repeat(of_row, np.diff(starts))
    _, first, person = np.unique(records["person"], return_index=True, return_inverse=True)
    masks = people_masks(atom, person, row_count=len(places))
    atoms = [Atom(*key, mask) for key, mask in zip(places, masks, strict=True)]
    return PersonScores(
        blocks=partition(atoms, min_people=min_people, open_from=open_from),
        people=tuple(ids_of(records[first])),
        team_ids=team_ids,
        atom=atom,
        person=person.astype(np.int64),
        n=records["n"].astype(np.int64),
        total=records["total"].astype(np.int64),
    )


def _sums(places: Integers, values: Integers, length: int) -> Integers:
    sums = np.bincount(places, weights=values, minlength=length)
    return sums.astype(np.int64)  # exact: far below 2**53
