"""What a line shows of blocks, what it says about the rest, and that enough data is not hidden."""

from datetime import date, timedelta
from uuid import UUID

import numpy as np
import pytest

from services.reporting.trends.buckets import bucket_of
from services.reporting.trends.limits import (
    Atom,
    Kind,
    Scope,
    Suppressed,
    Unit,
    blocks_of,
    enough,
    groups_of,
    partition,
    people_masks,
    points_of,
)

TEAM, OTHER = UUID(int=1), UUID(int=2)
SKILL = "relate.empathy"
CELL = Scope(TEAM, SKILL, "practice")
W1, W2, W3, W4 = date(2026, 3, 2), date(2026, 3, 9), date(2026, 3, 16), date(2026, 3, 23)
MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)
YEAR = (date(2026, 1, 1), date(2026, 12, 31))


def atom(
    bucket: date,
    people: int,
    *,
    skill: str = SKILL,
    kind: Kind = "practice",
    team: UUID = TEAM,
    shift: int = 0,
):
    return Atom(team, skill, kind, bucket, ((1 << people) - 1) << shift)


def line(
    atoms: list[Atom],
    scope: Scope = CELL,
    *,
    unit="week",
    open_from: date = APRIL,
    min_people: int = 5,
):
    divided = partition(atoms, min_people=min_people, open_from=open_from)
    return points_of(divided, scope, start=YEAR[0], end=YEAR[1], unit=unit)


def test_weeks_with_enough_people_stand_alone():
    found = line([atom(W1, 5), atom(W2, 8)])
    assert [(p.first, p.last, p.people) for p in found.points] == [(W1, W1, 5), (W2, W2, 8)]
    assert (found.suppressed, found.partial) == ((), ())


def test_weeks_with_few_people_become_one_wide_point():
    found = line([atom(W1, 3), atom(W2, 3, shift=2), atom(W3, 5)])
    assert [(p.first, p.last, p.people, p.atoms) for p in found.points] == [
        (W1, W2, 5, (0, 1)),
        (W3, W3, 5, (2,)),
    ]


def test_the_same_few_people_do_not_add_up():
    found = line([atom(W1, 3), atom(W2, 3), atom(W3, 3)])
    assert found.points == ()
    assert found.suppressed == tuple(Suppressed(week, "too_few_people") for week in (W1, W2, W3))


def test_what_is_left_of_a_month_does_not_join_what_was_already_shown():
    atoms = [atom(W1, 5), atom(W2, 4)]
    assert line(atoms, open_from=W3).points == line(atoms, open_from=APRIL).points
    assert line(atoms).suppressed == (Suppressed(W2, "too_few_people"),)
    assert [p.atoms for p in line(atoms, unit="month").points] == [(0,)]


def test_a_week_that_is_not_over_has_no_point():
    found = line([atom(W1, 9), atom(W2, 9)], open_from=W2)
    assert [p.first for p in found.points] == [W1]
    assert found.suppressed == (Suppressed(W2, "not_over"),)


def test_blocks_end_with_the_month_and_a_cut_week_is_one_week_again():
    cut, rest = date(2026, 3, 30), date(2026, 4, 1)
    apart = line([atom(cut, 3), atom(rest, 3, shift=2)], open_from=date(2026, 5, 1))
    assert apart.points == ()
    whole = line([atom(cut, 5), atom(rest, 6)], open_from=date(2026, 5, 1))
    assert [(p.first, p.last, p.people) for p in whole.points] == [(cut, rest, 6)]
    months = line([atom(cut, 5), atom(rest, 6)], unit="month", open_from=date(2026, 5, 1))
    assert [p.first for p in months.points] == [cut, rest]


def test_a_root_takes_in_what_its_skills_leave_over_when_the_month_is_over():
    atoms = [atom(W1, 3), atom(W2, 3, skill="relate.respect", shift=3)]
    root = Scope(TEAM, "relate", "practice")
    assert line(atoms, root, open_from=W4).points == ()
    assert [p.people for p in line(atoms, root).points] == [6]
    assert line(atoms).points == ()


def test_both_kinds_together_leave_out_the_kind_with_few_people_and_say_so():
    found = line([atom(W1, 6), atom(W1, 2, kind="real", shift=6)], Scope(TEAM, SKILL, None))
    assert [(p.people, p.atoms) for p in found.points] == [(6, (0,))]
    assert found.partial == (W1,)


def test_small_teams_are_seen_together():
    atoms = [atom(W1, 3), atom(W1, 3, team=OTHER, shift=3)]
    assert [p.people for p in line(atoms, Scope(None, SKILL, "practice")).points] == [6]
    assert line(atoms, Scope(OTHER, SKILL, "practice")).points == ()


def test_a_range_counts_whole_blocks_only():
    divided = partition([atom(W1, 3), atom(W2, 3, shift=3)], min_people=5, open_from=APRIL)
    assert blocks_of(divided, CELL, start=W2, end=W4) == ()
    assert len(blocks_of(divided, CELL, start=W1, end=W2)) == 1
    cut = points_of(divided, CELL, start=W2, end=W4, unit="week")
    assert (cut.points, cut.suppressed) == ((), (Suppressed(W2, "too_few_people"),))


def test_narrow_points_win_unless_they_would_hide_most():
    other = [f"relate.s{index}" for index in range(5)]
    both = Scope(TEAM, "relate", "practice")
    weekly = [atom(week, 5, skill=skill) for skill in other for week in (W1, W2)]
    wide = [atom(W1, 3), atom(W2, 3, shift=3)]
    found = line([*weekly, *wide], both)
    assert [(p.first, p.last) for p in found.points] == [(W1, W1), (W2, W2)]
    assert found.partial == (W1, W2)
    few = [atom(week, 5, skill="relate.s0") for week in (W1, W2)]
    most = [
        atom(week, 3, skill=skill, shift=shift)
        for skill in other[1:]
        for week, shift in ((W1, 0), (W2, 3))
    ]
    assert [(p.first, p.last, len(p.atoms)) for p in line([*few, *most], both).points] == [
        (W1, W2, 10)
    ]


def test_a_range_that_hides_a_narrower_part_says_where_it_is_counted():
    scope = Scope(TEAM, "relate", None)
    busy = [atom(week, 5, skill=f"relate.s{skill}") for week in (W1, W3) for skill in range(3)]
    rare = [
        atom(W1, 2, kind="real"),
        atom(W2, 2, kind="real", shift=2),
        atom(W3, 2, kind="real", shift=4),
    ]
    found = line([*busy, *rare], scope)
    assert [(p.first, p.last, len(p.atoms)) for p in found.points] == [(W1, W1, 3), (W3, W3, 3)]
    assert found.suppressed == (Suppressed(W2, "in_wider_block"),)
    assert found.partial == (W1, W3)
    assert len(line([*busy, *rare], scope, unit="month").points[0].atoms) == 9


def test_a_higher_minimum_joins_whole_blocks_of_the_floor():
    atoms = [atom(W1, 5), atom(W2, 5, shift=1), atom(W3, 4), atom(W4, 9)]
    assert [(p.first, p.last) for p in line(atoms, min_people=6).points] == [(W1, W2), (W3, W4)]
    assert [(p.first, p.last) for p in line(atoms).points] == [(W1, W1), (W2, W2), (W3, W4)]


@pytest.mark.parametrize("min_people", [0, 4])
def test_nobody_can_ask_for_fewer_than_the_floor(min_people: int):
    with pytest.raises(ValueError, match="at least 5"):
        partition([], min_people=min_people, open_from=APRIL)
    with pytest.raises(ValueError, match="at least 5"):
        groups_of([], min_people=min_people)


def test_nothing_has_no_points():
    assert line([]).points == ()
    assert people_masks(np.array([], dtype=int), np.array([], dtype=int), row_count=2) == [0, 0]


def test_masks_count_people_once():
    masks = people_masks(np.array([0, 0, 2, 0]), np.array([1, 70, 3, 1]), row_count=3)
    assert masks == [(1 << 1) | (1 << 70), 0, 1 << 3]
    assert enough(masks[0], 2)
    assert not enough(masks[0], 3)


def test_units_of_other_things_are_grouped_alike():
    units = [
        Unit(MARCH, W2, 0b11100),
        Unit(MARCH, W1, 0b00111),
        Unit(MARCH, W3, 0b1),
        Unit(APRIL, APRIL, 0b11110),
    ]
    assert groups_of(units, min_people=5) == ((0, 1),)
    same_week = [Unit(MARCH, W1, 0b11111), Unit(MARCH, W1, 0b100000), Unit(MARCH, W2, 0b11111)]
    assert groups_of(same_week, min_people=5) == ((0, 1), (2,))
    assert groups_of(same_week, min_people=6) == ((0, 1),)


def practice(people: int, days_a_week: float, seed: int) -> list[Atom]:
    """A year of practice on work days; each talk shows a skill in three of five cases."""
    random = np.random.default_rng(seed)
    masks: dict[tuple[str, date], int] = {}
    for offset in range(365):
        day = YEAR[0] + timedelta(days=offset)
        if day.weekday() > 4:
            continue
        for person in np.flatnonzero(random.random(people) < days_a_week / 5):
            for skill in (f"relate.s{index}" for index in range(4) if random.random() < 0.6):
                key = skill, bucket_of(day)
                masks[key] = masks.get(key, 0) | 1 << int(person)
    return [Atom(TEAM, skill, "practice", bucket, mask) for (skill, bucket), mask in masks.items()]


@pytest.mark.parametrize(
    ("people", "days", "weekly", "monthly"),
    [(12, 2.5, 0.98, 0.98), (8, 2, 0.94, 0.94), (6, 1, 0.78, 0.78)],
)
def test_enough_data_is_not_hidden_needlessly(
    people: int, days: float, weekly: float, monthly: float
):
    """Coverage: the share of (skill, week, person) that some point counts."""
    atoms = practice(people, days, seed=11)
    total = sum(item.people.bit_count() for item in atoms)

    def coverage(unit: str) -> float:
        shown = 0
        for index in range(4):
            found = line(
                atoms,
                Scope(TEAM, f"relate.s{index}", "practice"),
                unit=unit,
                open_from=date(2027, 1, 1),
            )
            shown += sum(
                atoms[number].people.bit_count() for point in found.points for number in point.atoms
            )
        return shown / total

    assert coverage("week") >= weekly
    assert coverage("month") >= monthly
