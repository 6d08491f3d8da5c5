"""No two answers about programs, and none and a team's trend, differ by the scores of a few people."""

from collections import defaultdict
from datetime import date
from itertools import combinations
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from services.reporting.trends.buckets import bucket_of
from services.reporting.trends.roi_sides import (
    AFTER,
    BEFORE,
    TREATED,
    Windows,
    sides_of_atoms,
    usable,
)
from services.reporting.trends.roi_tally import Cohorts, PersonRow, Spot, pieces_of, tally_of_people

MIN = 5
TEAM = UUID(int=1)
PEOPLE = 14
MONTHS = 4
OPEN = date(2027, 1, 1)

days = st.integers(0, MONTHS * 28 - 1).map(
    lambda number: date(2026, 2 + number // 28, 1 + number % 28)
)
acts = st.lists(st.tuples(st.integers(0, PEOPLE - 1), days), max_size=90)
spans = st.lists(days, min_size=4, max_size=4, unique=True).map(sorted)


def person(number: int) -> UUID:
    return UUID(int=100 + number)


def rows_of(found: list[tuple[int, date]]) -> list[PersonRow]:
    return [
        PersonRow(Spot(TEAM, "a.b", bucket_of(day)), person(each), 1, 50.0) for each, day in found
    ]


def counted(
    rows: list[PersonRow], cohorts: Cohorts, windows: Windows
) -> list[set[tuple[int, date]]]:
    """What an answer counts before and after: pairs of a person and a bucket."""
    tally, spots = tally_of_people(rows, cohorts)
    pieces = pieces_of(tally, spots, min_people=MIN, open_from=OPEN)
    safe = usable(tally, pieces, atoms=len(spots), min_people=MIN)
    side = sides_of_atoms(safe, windows, atoms=len(spots))
    sets: dict[int, set[tuple[int, date]]] = defaultdict(set)
    for atom, each, cohort in zip(tally.atom, tally.person, tally.cohort, strict=True):
        if cohort == TREATED and side[atom]:
            sets[int(side[atom])].add((int(each), spots[atom].bucket))
    return [sets[BEFORE], sets[AFTER]]


def shown_of_the_team(rows: list[PersonRow]) -> set[tuple[int, date]]:
    """Everything that a team's own trend may count."""
    everybody = Cohorts(frozenset({TEAM}), frozenset(), are_teams=True)
    return counted(rows, everybody, Windows(date(2026, 1, 1), OPEN, OPEN, OPEN))[0]


def people_in(part: set[tuple[int, date]]) -> int:
    return len({each for each, _ in part})


@settings(max_examples=150, deadline=None)
@given(
    acts, st.lists(spans, min_size=2, max_size=4), st.sets(st.integers(0, PEOPLE - 1), min_size=5)
)
def test_no_difference_is_about_a_few(found, programs, named):
    rows = rows_of(found)
    answers = []
    for cohorts in (
        Cohorts(frozenset({TEAM}), frozenset(), are_teams=True),
        Cohorts(frozenset(map(person, named)), frozenset(), are_teams=False),
    ):
        for one, two, three, four in programs:
            answers += counted(rows, cohorts, Windows(one, two, three, four))
    answers.append(shown_of_the_team(rows))
    for one, other in combinations(answers, 2):
        for part in (one, one - other, other - one):
            assert people_in(part) == 0 or people_in(part) >= MIN
