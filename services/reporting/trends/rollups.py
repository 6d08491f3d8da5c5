"""How rollups move: scores taken out and put in, merged into what is stored, many rows at once."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

import numpy as np
import numpy.typing as npt

from services.reporting.trends import people
from services.reporting.trends.buckets import bucket_of
from services.reporting.trends.distributions import CELLS, Histograms, pack, sums, unpack
from services.reporting.trends.facts import Cell, Change, Counted
from shared.contracts.base import Record


class Rollup(Record, frozen=True, kw_only=True):
    """One rollup row, as stored."""

    n: int
    total: int
    """Sum of the scores."""
    squares: int
    """Sum of their squares."""
    histogram: bytes
    """See `distributions.unpack`."""
    people: bytes
    """See `people.decode`."""


class RollupBrokenError(ValueError):
    """A rollup would count less than nothing, or other people than scores: it needs a rebuild."""


class Moves(NamedTuple):
    """By how much rollups move: an entry per score that is taken out or put in."""

    cells: tuple[Cell, ...]
    """Each once; `places` point here."""
    places: npt.NDArray[np.int64]
    persons: npt.NDArray[np.bytes_]
    scores: npt.NDArray[np.int64]
    signs: npt.NDArray[np.int64]
    """1: put in; -1: taken out."""


def movements(change: Change) -> Moves:
    """Return how rollups move; scores of people who were in no team on that day move none."""
    cells: dict[Cell, int] = {}
    rows: list[tuple[int, bytes, int, int]] = []
    _collect(change.removed, -1, cells, rows)
    _collect(change.added, 1, cells, rows)
    places, persons, scores, signs = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Moves(
        cells=tuple(cells),
        places=np.array(places, np.int64),
        persons=np.array(persons, "S16"),
        scores=np.array(scores, np.int64),
        signs=np.array(signs, np.int64),
    )


def moved(moves: Moves, stored: Mapping[Cell, Rollup]) -> dict[Cell, Rollup | None]:
    """Return the rollups after the moves; None: nothing is left of it. Unmoved ones are not in it.

    Raises:
        RollupBrokenError: what is stored cannot be right.
    """
    before = [stored.get(cell) for cell in moves.cells]
    histograms = _histograms(moves, before)
    blobs = _people(moves, before, histograms)
    n, total, squares = (column.tolist() for column in sums(histograms))
    after: dict[Cell, Rollup | None] = {}
    for place, (cell, histogram) in enumerate(zip(moves.cells, pack(histograms), strict=True)):
        rollup = None
        if n[place]:
            rollup = Rollup(
                n=n[place],
                total=total[place],
                squares=squares[place],
                histogram=histogram,
                people=blobs[place],
            )
        if rollup != before[place]:
            after[cell] = rollup
    return after


def _collect(
    counted: Iterable[Counted],
    sign: int,
    cells: dict[Cell, int],
    rows: list[tuple[int, bytes, int, int]],
) -> None:
    known: dict[tuple[UUID, str, date], dict[str, int]] = {}  # hashing ids once per attempt
    for attempt, scores in counted:
        if attempt.team_id is None:
            continue
        bucket, person = bucket_of(attempt.day), attempt.person_id.bytes
        by_skill = known.setdefault((attempt.team_id, attempt.source, bucket), {})
        for skill, score in scores.items():
            place = by_skill.get(skill)
            if place is None:
                cell = Cell(attempt.team_id, skill, attempt.source, bucket)
                place = by_skill[skill] = cells.setdefault(cell, len(cells))
            rows.append((place, person, score, sign))


def _histograms(moves: Moves, before: Sequence[Rollup | None]) -> Histograms:
    empty = bytes(4 * CELLS)
    histograms = unpack([empty if row is None else row.histogram for row in before])
    np.add.at(histograms, (moves.places, moves.scores), moves.signs)
    if (histograms < 0).any():
        raise RollupBrokenError("a rollup would hold fewer than no scores")
    return histograms


def _people(moves: Moves, before: Sequence[Rollup | None], histograms: Histograms) -> list[bytes]:
    known, starts = people.decode_all([b"" if row is None else row.people for row in before])
    news = np.zeros(len(moves.places), people.PERSON)
    news["person"] = moves.persons
    news["n"] = moves.signs
    news["total"] = moves.signs * moves.scores
    keys = np.concatenate([np.repeat(np.arange(len(before)), np.diff(starts)), moves.places])
    keys, merged = people.merge_by_key(keys, np.concatenate([known, news]))
    counts = np.bincount(keys, weights=merged["n"], minlength=len(before))
    if (merged["n"] <= 0).any() or (counts != histograms.sum(axis=1)).any():
        raise RollupBrokenError("a rollup's people would not match its scores")
    return people.split(keys, merged, len(before))
