"""Teams beside each other: one number per team and skill over a time; nothing of too few people."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple, TypeAlias
from uuid import UUID

import numpy as np
import numpy.typing as npt

from services.reporting.trends.limits import Kind, Scope, blocks_of
from services.reporting.trends.people import Integers
from services.reporting.trends.sheet import (
    Booleans,
    Countable,
    Level,
    Sheet,
    in_range,
    name_of,
    sums_of,
)
from services.reporting.trends.words import SkillWords
from shared.contracts.reports.tables import HeatmapCell, HiddenCell

Days: TypeAlias = tuple[date, date]
"""First and last, inclusive."""


class Place(NamedTuple):
    """One team in one skill or root."""

    team_id: UUID
    name: str


class Table(NamedTuple):
    """Sums per place and person, of what may be counted."""

    places: tuple[Place, ...]
    """With enough people, sorted."""
    n: Integers
    """A row per place, a column per person."""
    totals: Integers
    hidden: tuple[HiddenCell, ...]

    @property
    def learners(self) -> Integers:
        """How many people are in each place."""
        found: Integers = (self.n > 0).sum(axis=1, dtype=np.int64)
        return found

    @property
    def means(self) -> npt.NDArray[np.float64]:
        """Mean score of each place, 0..100."""
        found: npt.NDArray[np.float64] = self.totals.sum(axis=1) / self.n.sum(axis=1)
        return found

    def people_means(self, row: int) -> npt.NDArray[np.float64]:
        """Return the mean of each person of a place, in the order of their ids."""
        there = self.n[row] > 0
        found: npt.NDArray[np.float64] = self.totals[row][there] / self.n[row][there]
        return found


def table_of(
    sheet: Sheet,
    blocks: Countable,
    level: Level,
    kind: Kind | None,
    names: Iterable[str],
    start: date,
    end: date,
) -> Table:
    """Count every team in each skill (or root) over the buckets that start in the range."""
    wanted = set(names)
    places = sorted(
        {
            Place(group.team, name)
            for group in sheet.groups
            if (name := name_of(group.skill, level)) in wanted
        }
    )
    number = {place: at for at, place in enumerate(places)}
    of_group = [
        number.get(Place(group.team, name_of(group.skill, level)), -1)
        if kind in {None, group.kind}
        else -1
        for group in sheet.groups
    ]
    asked = np.array(of_group, dtype=np.int64)[sheet.group]
    asked[~in_range(sheet, start, end)] = -1
    counted = np.where(blocks.alone, asked, -1)
    for team, name in sorted(blocks.names):
        at = number.get(Place(team, name))
        if at is not None:
            found = blocks_of(blocks.partition, Scope(team, name, kind), start=start, end=end)
            counted[blocks.members[[index for block in found for index in block.atoms]]] = at
    return _table(sheet, blocks, places, asked, counted)


def _table(
    sheet: Sheet, blocks: Countable, places: Sequence[Place], asked: Integers, counted: Integers
) -> Table:
    """Return the places with something to count, and of the others why they have nothing."""
    has_some = np.bincount(counted[counted >= 0], minlength=len(places)) > 0
    is_over = sheet.day < blocks.open_from.toordinal()
    was_scored = np.bincount(asked[(asked >= 0) & is_over], minlength=len(places)) > 0
    is_running = np.bincount(asked[(asked >= 0) & ~is_over], minlength=len(places)) > 0
    rank = np.append(np.cumsum(has_some) - 1, -1)  # the last one is place -1
    sums = sums_of(sheet, rank[counted], int(has_some.sum()))
    shown = tuple(place for at, place in enumerate(places) if has_some[at])
    hidden = hidden_cells(places, has_some, was_scored, is_running)
    return Table(shown, sums.n, sums.totals, hidden)


def hidden_cells(
    places: Sequence[Place], has_some: Booleans, was_scored: Booleans, is_running: Booleans
) -> tuple[HiddenCell, ...]:
    """Return the places with nothing to show in which somebody scored, and why it is not shown."""
    return tuple(
        HiddenCell(
            team_id=place.team_id,
            skill=place.name,
            reason="too_few_people" if was_scored[at] else "not_over",
        )
        for at, place in enumerate(places)
        if not has_some[at] and (was_scored[at] or is_running[at])
    )


def heatmap_cells(table: Table) -> tuple[HeatmapCell, ...]:
    """Return a cell per place; differences are from the mean of all of them in the same skill."""
    if not table.places:
        return ()
    n, totals, learners = table.n.sum(axis=1), table.totals.sum(axis=1), table.learners
    whole: dict[str, tuple[int, int]] = {}
    for row, place in enumerate(table.places):
        before = whole.get(place.name, (0, 0))
        whole[place.name] = (before[0] + int(n[row]), before[1] + int(totals[row]))
    return tuple(
        HeatmapCell(
            team_id=place.team_id,
            skill=place.name,
            n=int(n[row]),
            learners=int(learners[row]),
            mean=round(float(totals[row] / n[row]), 1),
            difference=round(
                float(totals[row] / n[row] - whole[place.name][1] / whole[place.name][0]), 1
            ),
        )
        for row, place in enumerate(table.places)
    )


def heatmap_headline(cells: Sequence[HeatmapCell], words: SkillWords, min_people: int) -> str:
    """Return what the table says of the skills."""
    if not cells:
        return f"Too few people scored in this time: a number needs at least {min_people} of them."
    means = {
        skill: float(
            np.average(
                [cell.mean for cell in cells if cell.skill == skill],
                weights=[cell.n for cell in cells if cell.skill == skill],
            )
        )
        for skill in {cell.skill for cell in cells}
    }
    low, high = (pick(sorted(means), key=means.__getitem__) for pick in (min, max))
    teams = len({cell.team_id for cell in cells})
    where = "In one team" if teams == 1 else f"Over {teams} teams"
    if low == high:
        return f"{where}, {words.name(low)} is at {means[low]:.0f} of 100."
    return (
        f"{where}, {words.name(high)} is highest ({means[high]:.0f} of 100) and"
        f" {words.name(low)} lowest ({means[low]:.0f})."
    )


def names_of(
    sheet: Sheet, level: Level, hidden: frozenset[str], start: date, end: date
) -> list[str]:
    """Return the skills or roots that anybody scored in, without those that are not shown."""
    there = np.unique(sheet.group[in_range(sheet, start, end)]).tolist()
    names = {name_of(sheet.groups[group].skill, level) for group in there}
    return sorted(names if level == "root" else names - hidden)
