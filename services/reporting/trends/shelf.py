"""Rollups side by side as atoms of the partition: for answers that look at people themselves."""

from collections.abc import Sequence
from datetime import date
from typing import Final, Literal, NamedTuple
from uuid import UUID

import numpy as np

from services.reporting.trends.limits import Atom, Kind, people_masks
from services.reporting.trends.numbering import numbered
from services.reporting.trends.people import Integers, decode_all

Source = Literal["simulation", "call", "all"]

KIND_OF: Final[dict[str, Kind]] = {
    "simulation": "practice",
    "call": "real",
    "chat": "real",
    "email": "real",
}
"""What a stored source counts as."""

KINDS: Final[dict[Source, Kind | None]] = {"simulation": "practice", "call": "real", "all": None}
"""What a question's source asks for; None: both together."""


class Rollup(NamedTuple):
    """One stored row."""

    team_id: UUID
    skill: str
    source: str
    bucket: date
    histogram: bytes
    """Empty where nobody asks for it."""
    people: bytes


class Shelf(NamedTuple):
    """Atoms (team, skill, practice or real, cut week) and who scored what in them."""

    atoms: tuple[Atom, ...]
    persons: int
    """How many distinct people there are; the same people are numbered alike each time."""
    atom: Integers
    """Of each record: the index of its atom. A person may have several records in one."""
    person: Integers
    """Of each record: the number of its person."""
    n: Integers
    total: Integers


def shelf_of(rows: Sequence[Rollup]) -> Shelf:
    """Put rows together: the sources of one kind become one atom."""
    places: dict[tuple[UUID, str, Kind, date], int] = {}
    atom_of_row = np.array(
        [
            places.setdefault((team, skill, KIND_OF[source], bucket), len(places))
            for team, skill, source, bucket, _, _ in rows
        ],
        dtype=np.int64,
    )
    people, starts = decode_all([row.people for row in rows])
    atom = np.repeat(atom_of_row, np.diff(starts))
    persons, person = numbered(people)
    masks = people_masks(atom, person, row_count=len(places))
    return Shelf(
        atoms=tuple(Atom(*key, mask) for key, mask in zip(places, masks, strict=True)),
        persons=persons,
        atom=atom,
        person=person,
        n=people["n"].astype(np.int64),
        total=people["total"].astype(np.int64),
    )
