"""No two published answers differ by a set of facts of too few people, over every kind of answer."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import combinations, product
from random import Random
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.reporting.trends.buckets import bucket_of
from services.reporting.trends.limits import (
    MIN_PEOPLE,
    Atom,
    Kind,
    Scope,
    blocks_of,
    partition,
    points_of,
)

TEAMS = (UUID(int=1), UUID(int=2))
SKILLS = ("relate.empathy", "relate.respect", "solve.diagnosis")
KINDS: tuple[Kind, ...] = ("practice", "real")
FIRST = date(2026, 1, 26)
DAYS = 63
"""January's last week to the end of March: months cut weeks at both ends of February."""
BUCKETS = sorted({bucket_of(FIRST + timedelta(days=day)) for day in range(DAYS)})
LATE = date(2026, 6, 1)

Answer = frozenset[Atom]


def random_atoms(seed: int) -> list[Atom]:
    """A small tenant; some teams and skills are busy and some hardly used."""
    random = Random(seed)
    people = {
        team: range(6 * index, 6 * index + random.randint(3, 9)) for index, team in enumerate(TEAMS)
    }
    use = {key: random.choice((0.05, 0.3, 0.8)) for key in product(TEAMS, SKILLS, KINDS)}
    atoms = []
    for (team, skill, kind), bucket in product(use, BUCKETS):
        mask = sum(
            1 << person for person in people[team] if random.random() < use[team, skill, kind]
        )
        if mask:
            atoms.append(Atom(team, skill, kind, bucket, mask))
    return atoms


def scopes() -> Iterator[Scope]:
    roots = {skill.partition(".")[0] for skill in SKILLS}
    for team, skill, kind in product((*TEAMS, None), (*SKILLS, *roots), (*KINDS, None)):
        yield Scope(team, skill, kind)


def answers(atoms: list[Atom], *, min_people: int, open_from: date) -> set[Answer]:
    """Every set of facts that some question gets a number about."""
    found: set[Answer] = set()
    divided = partition(atoms, min_people=min_people, open_from=open_from)
    for scope in scopes():
        for first, last in combinations([*BUCKETS, LATE], 2):
            end = last - timedelta(days=1)
            blocks = blocks_of(divided, scope, start=first, end=end)
            found.add(frozenset(divided.atoms[index] for block in blocks for index in block.atoms))
            for unit in ("week", "month"):
                for point in points_of(divided, scope, start=first, end=end, unit=unit).points:
                    found.add(frozenset(divided.atoms[index] for index in point.atoms))
    return found - {frozenset()}


def people_of(atoms: Iterable[Atom]) -> int:
    mask = 0
    for atom in atoms:
        mask |= atom.people
    return mask.bit_count()


def assert_no_small_difference(published: set[Answer], min_people: int) -> None:
    numbers = {
        atom: 1 << index for index, atom in enumerate({a for answer in published for a in answer})
    }
    by_number = {number: atom for atom, number in numbers.items()}
    sets = [sum(numbers[atom] for atom in answer) for answer in published]

    def count(members: int) -> int:
        atoms = []
        while members:
            lowest = members & -members
            atoms.append(by_number[lowest])
            members ^= lowest
        return people_of(atoms)

    differences = {one & ~other for one in sets for other in sets} - {0}
    assert min(map(count, {*sets, *differences}), default=min_people) >= min_people


def published_at_any_time(seed: int) -> set[Answer]:
    """What one gets who asks again as weeks pass, and changes the minimum in between."""
    atoms = random_atoms(seed)
    return {
        answer
        for open_from, min_people in ((BUCKETS[4], 5), (BUCKETS[7], 5), (LATE, 5), (LATE, 7))
        for answer in answers(atoms, min_people=min_people, open_from=open_from)
    }


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10**9), min_people=st.integers(MIN_PEOPLE, 8))
def test_no_two_answers_differ_by_few_people(seed: int, min_people: int):
    published = answers(random_atoms(seed), min_people=min_people, open_from=LATE)
    assert_no_small_difference(published, min_people)


@settings(max_examples=1, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_neither_later_questions_nor_another_setting_show_what_was_hidden(seed: int):
    assert_no_small_difference(published_at_any_time(seed), MIN_PEOPLE)


@pytest.mark.slow
@pytest.mark.timeout(600)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**9), min_people=st.integers(MIN_PEOPLE, 9))
def test_no_two_answers_differ_by_few_people_in_many_tenants(seed: int, min_people: int):
    published = answers(random_atoms(seed), min_people=min_people, open_from=LATE)
    assert_no_small_difference(published, min_people)
    assert_no_small_difference(published_at_any_time(seed), MIN_PEOPLE)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**9), min_people=st.integers(MIN_PEOPLE, 8))
def test_blocks_are_disjoint_and_big_enough(seed: int, min_people: int):
    divided = partition(random_atoms(seed), min_people=min_people, open_from=BUCKETS[-2])
    counted = [
        index for blocks in divided.blocks.values() for block in blocks for index in block.atoms
    ]
    assert len(counted) == len(set(counted))
    for blocks in divided.blocks.values():
        for block in blocks:
            atoms = [divided.atoms[index] for index in block.atoms]
            assert people_of(atoms) == block.people.bit_count() >= min_people
            assert len({atom.bucket.replace(day=1) for atom in atoms}) == 1
            assert max(atom.bucket for atom in atoms) < BUCKETS[-2]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**9), min_people=st.integers(MIN_PEOPLE, 8))
def test_blocks_do_not_depend_on_what_else_is_read(seed: int, min_people: int):
    """Reading one team, or some whole months, in any order, divides them as reading all does."""
    atoms = random_atoms(seed)
    whole = partition(atoms, min_people=min_people, open_from=LATE)

    def divided(part: list[Atom]) -> set[tuple[Scope, Answer]]:
        found = partition(part, min_people=min_people, open_from=LATE)
        return {
            (scope, frozenset(found.atoms[index] for index in block.atoms))
            for scope, blocks in found.blocks.items()
            for block in blocks
        }

    expected = {
        (scope, frozenset(whole.atoms[index] for index in block.atoms))
        for scope, blocks in whole.blocks.items()
        for block in blocks
    }
    shuffled = list(atoms)
    Random(seed).shuffle(shuffled)
    assert divided(shuffled) == expected
    february = [atom for atom in atoms if atom.bucket.month == 2]
    assert divided(february) == {
        (scope, block) for scope, block in expected if all(atom.bucket.month == 2 for atom in block)
    }
    mine = {
        (scope, block)
        for scope, block in divided([a for a in atoms if a.team == TEAMS[0]])
        if scope.team
    }
    assert mine == {(scope, block) for scope, block in expected if scope.team == TEAMS[0]}


def test_the_property_would_be_seen_to_fail():
    """Two answers that differ by four people are found."""
    five, four = (
        Atom(TEAMS[0], SKILLS[0], "practice", BUCKETS[0], 0b11111),
        Atom(TEAMS[0], SKILLS[0], "real", BUCKETS[0], 0b1111),
    )
    with pytest.raises(AssertionError):
        assert_no_small_difference({frozenset({five}), frozenset({five, four})}, MIN_PEOPLE)
