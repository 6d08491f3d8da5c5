"""Sums of whole stretches of time per team, skill, kind and person: what tables are added up from.

Blocks never reach over the end of a month, so what may be counted of a month that is over stays as
it is until its scores change: it can be kept, and a year is twelve of them.
"""

from collections.abc import Container, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple
from uuid import UUID

import msgspec
import numpy as np
import numpy.typing as npt

from services.reporting.trends.limits import KINDS, Kind, Scope, blocks_of
from services.reporting.trends.numbering import numbered
from services.reporting.trends.people import PERSON, Integers
from services.reporting.trends.sheet import (
    Countable,
    Level,
    Sheet,
    in_range,
    name_of,
)
from services.reporting.trends.tables import Days, Place, Table, hidden_cells

FORM: Final = 1
"""Counts up with each change of what is kept, or of the rules by which it is made."""

_STORED: Final = np.dtype("<i4")
_ID_BYTES: Final = 16


class Topic(NamedTuple):
    """What some sums are about."""

    place: Place
    kind: Kind
    is_over: bool
    """Some of it is in a week that is over."""


class Part(NamedTuple):
    """Sums over a stretch of time."""

    topics: Sequence[Topic]
    """Everything that anybody scored in."""
    amounts: Integers
    """Of each topic: its cells; 0: nothing of it may be shown."""
    people: bytes
    """Ids, 16 bytes each."""
    cells: npt.NDArray[np.int32]
    """Topic by topic a row per person: place in `people`, number of scores, their sum."""


class Kept(NamedTuple):
    """A team's part of one month, as stored."""

    team_id: UUID
    groups: str
    amounts: bytes
    people: bytes
    cells: bytes


def part_of(sheet: Sheet, blocks: Countable, level: Level, days: Days) -> Part:
    """Return what may be shown of the buckets that start in a range."""
    keys = [(Place(each.team, name_of(each.skill, level)), each.kind) for each in sheet.groups]
    number = {key: at for at, key in enumerate(dict.fromkeys(keys))}
    asked = np.array([number[key] for key in keys], dtype=np.int64)[sheet.group]
    asked[~in_range(sheet, *days)] = -1
    counted = np.where(blocks.alone, asked, -1)
    for team, name in sorted(blocks.names):
        for kind in KINDS:
            at = number.get((Place(team, name), kind))
            if at is not None:
                scope = Scope(team, name, kind)
                found = blocks_of(blocks.partition, scope, start=days[0], end=days[1])
                counted[blocks.members[[atom for block in found for atom in block.atoms]]] = at
    is_over = sheet.day < blocks.open_from.toordinal()
    over = np.bincount(asked[(asked >= 0) & is_over], minlength=len(number)) > 0
    there = np.bincount(asked[asked >= 0], minlength=len(number)) > 0
    cells, amounts = _cells(sheet, counted, len(number))
    topics = [Topic(place, kind, bool(over[at])) for (place, kind), at in number.items()]
    ids = np.zeros(sheet.persons, f"S{_ID_BYTES}")
    ids[sheet.person] = sheet.records["person"]
    return Part(
        topics=[topic for topic, is_there in zip(topics, there.tolist(), strict=True) if is_there],
        amounts=amounts[there],
        people=ids.tobytes(),
        cells=cells,
    )


def _cells(sheet: Sheet, counted: Integers, topics: int) -> tuple[npt.NDArray[np.int32], Integers]:
    """Return the cells, and how many each topic has."""
    topic = counted[sheet.atom]
    chosen = topic >= 0
    flat = topic[chosen] * sheet.persons + sheet.person[chosen]
    size = topics * sheet.persons
    n, total = (
        np.bincount(flat, weights=values[chosen], minlength=size)  # exact: far below 2**53
        for values in (sheet.n, sheet.total)
    )
    there = np.flatnonzero(n)
    cells = np.empty((len(there), 3), np.int32)
    cells[:, 0] = there % max(sheet.persons, 1)
    cells[:, 1], cells[:, 2] = n[there], total[there]
    amounts = np.bincount(there // max(sheet.persons, 1), minlength=topics)
    return cells, amounts.astype(np.int64)


def kept_of(part: Part, teams: Sequence[UUID]) -> list[Kept]:
    """Return what is stored of each team, which may have nothing; the time of the part is over."""
    ids = np.frombuffer(part.people, f"S{_ID_BYTES}")
    ends = np.append(0, np.cumsum(part.amounts))
    found = []
    for team_id in teams:
        own = [at for at, topic in enumerate(part.topics) if topic.place.team_id == team_id]
        rows = [part.cells[ends[at] : ends[at + 1]] for at in own]
        cells = np.concatenate(rows) if rows else np.empty((0, 3), np.int32)
        people, local = np.unique(cells[:, 0], return_inverse=True)
        cells[:, 0] = local
        groups = [(part.topics[at].place.name, part.topics[at].kind) for at in own]
        found.append(
            Kept(
                team_id=team_id,
                groups=msgspec.json.encode(groups).decode(),
                amounts=part.amounts[own].astype(_STORED).tobytes(),
                people=ids[people].tobytes(),
                cells=cells.astype(_STORED).tobytes(),
            )
        )
    return found


def part_of_kept(kept: Sequence[Kept]) -> Part:
    """Return what is stored, of any teams and months, as one."""
    sizes = [len(row.people) // _ID_BYTES for row in kept]
    cells = np.frombuffer(b"".join([row.cells for row in kept]), _STORED).reshape(-1, 3).copy()
    before = np.cumsum([0, *sizes[:-1]]) if sizes else np.zeros(0, np.int64)
    lengths = [len(row.cells) // (3 * _STORED.itemsize) for row in kept]
    cells[:, 0] += np.repeat(before, lengths).astype(np.int32)
    return Part(
        topics=[topic for row in kept for topic in _topics(row.team_id, row.groups)],
        amounts=np.frombuffer(b"".join([row.amounts for row in kept]), _STORED).astype(np.int64),
        people=b"".join([row.people for row in kept]),
        cells=cells,
    )


@lru_cache(maxsize=4096)
def _topics(team_id: UUID, groups: str) -> tuple[Topic, ...]:
    named = msgspec.json.decode(groups, type=list[tuple[str, Kind]])
    return tuple(Topic(Place(team_id, name), kind, is_over=True) for name, kind in named)


def table_of_parts(
    parts: Sequence[Part], kind: Kind | None, hidden: Container[str], only: str | None = None
) -> Table:
    """Add up parts of times that do not overlap.

    Args:
        parts: all of one level.
        kind: None: both together.
        hidden: names that are not shown.
        only: one name; None: all.
    """
    topics = [topic for part in parts for topic in part.topics]
    names = {topic.place.name for topic in topics}
    wanted = {name for name in names if name not in hidden and only in {None, name}}
    places = sorted({topic.place for topic in topics if topic.place.name in wanted})
    number = {place: at for at, place in enumerate(places)}
    place = np.array(
        [number.get(topic.place, -1) if kind in {None, topic.kind} else -1 for topic in topics],
        dtype=np.int64,
    )
    amounts = np.concatenate([np.zeros(0, np.int64), *(part.amounts for part in parts)])
    is_over = np.array([topic.is_over for topic in topics], dtype=np.bool_)
    asked = place >= 0
    has_some, was_scored, is_running = (
        np.bincount(place[asked & chosen], minlength=len(places)) > 0
        for chosen in (amounts > 0, is_over, ~is_over)
    )
    rank = np.append(np.cumsum(has_some) - 1, -1)  # the last one is place -1
    n, totals = _added_up(parts, np.repeat(rank[place], amounts), int(has_some.sum()))
    return Table(
        tuple(one for at, one in enumerate(places) if has_some[at]),
        n,
        totals,
        hidden_cells(places, has_some, was_scored, is_running),
    )


def _added_up(parts: Sequence[Part], row: Integers, rows: int) -> tuple[Integers, Integers]:
    """Return number and sum of scores, a row per place, a column per person."""
    people = np.zeros(sum(len(part.people) for part in parts) // _ID_BYTES, PERSON)
    people["person"] = np.frombuffer(b"".join(part.people for part in parts), f"S{_ID_BYTES}")
    persons, person_of = numbered(people)
    before = np.cumsum([0, *(len(part.people) // _ID_BYTES for part in parts)])
    cells = [part.cells for part in parts]
    person, n, total = (
        np.concatenate([np.zeros(0, np.int64), *columns])
        for columns in (
            [each[:, 0] + start for each, (start, _) in zip(cells, pairwise(before), strict=True)],
            [each[:, 1] for each in cells],
            [each[:, 2] for each in cells],
        )
    )
    chosen = row >= 0
    flat = row[chosen] * persons + person_of[person[chosen]]
    added = (
        np.bincount(flat, weights=values[chosen], minlength=rows * persons)  # far below 2**53
        .astype(np.int64)
        .reshape(rows, persons)
        for values in (n, total)
    )
    first, second = added
    return first, second
