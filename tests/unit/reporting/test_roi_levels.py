"""Effects of programs on planted data: found where they are, not where they are not, and only for enough people."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from services.reporting.trends.buckets import bucket_of, last_day
from services.reporting.trends.roi_effects import change_of, estimate
from services.reporting.trends.roi_levels import Plan, Scene, metric_effect, skill_level
from services.reporting.trends.roi_sides import Sample, Windows, settle, turnover
from services.reporting.trends.roi_tally import Cohorts, PersonRow, Spot, tally_of_people
from services.reporting.trends.stats.effects import Change, difference_in_differences

TREATED, COMPARED, OTHER = (UUID(int=number) for number in (1, 2, 3))
WINDOWS = Windows(date(2026, 1, 1), date(2026, 3, 31), date(2026, 5, 1), date(2026, 7, 31))
TEAMS = Cohorts(frozenset({TREATED}), frozenset({COMPARED}), are_teams=True)


def plan(isolation="comparison", windows: Windows = WINDOWS) -> Plan:
    return Plan(windows, isolation, 5, date(2027, 1, 1))


def person(number: int) -> UUID:
    return UUID(int=1000 + number)


def rows(
    team: UUID, people: range, *, gain: float, skills: int = 1, seed: int = 0, drift: float = 0.0
) -> list[PersonRow]:
    """Weekly scores from January to July; the gain is there from May on, the drift per week."""
    random = np.random.default_rng([seed, team.int])
    found = []
    for skill in range(skills):
        for number in people:
            own = random.normal(60, 10)
            for week in range(30):
                day = date(2026, 1, 5) + timedelta(weeks=week)
                score = own + random.normal(0, 6) + drift * week
                score += gain if day >= date(2026, 5, 1) else 0
                spot = Spot(team, f"relate.s{skill}", bucket_of(day))
                found.append(PersonRow(spot, person(number), 1, score))
    return found


def scene(found: list[PersonRow], cohorts: Cohorts = TEAMS, **fields: Any) -> Scene:
    return Scene(*tally_of_people(found, cohorts), plan(**fields))


def both(gain: float, **fields: Any) -> list[PersonRow]:
    return [
        *rows(TREATED, range(12), gain=gain, **fields),
        *rows(COMPARED, range(20, 34), gain=0.0, **fields),
    ]


def test_a_planted_gain_is_found_with_its_size() -> None:
    level = skill_level(scene(both(6.0)), "practice")
    (skill,) = level.skills
    assert (level.basis, level.isolation) == ("measured", "comparison")
    assert (skill.treated_people, skill.comparison_people) == (12, 14)
    assert skill.interval.low < 6.0 < skill.interval.high
    assert skill.is_proven
    assert "1 of 1 skills improved" in level.sentence


def test_what_moves_everybody_is_not_the_programs() -> None:
    level = skill_level(scene(both(0.0, drift=0.5)), "practice")
    (skill,) = level.skills
    assert skill.treated_change > 5
    assert not skill.is_proven
    assert abs(skill.effect) < 4


def test_nothing_planted_is_rarely_found() -> None:
    proven = cells = 0
    for seed in range(25):
        level = skill_level(scene(both(0.0, skills=4, seed=seed)), "practice")
        cells += len(level.skills)
        proven += sum(skill.is_proven for skill in level.skills)
    assert cells == 100
    assert proven <= 5


def test_a_trend_line_takes_the_old_slope_out() -> None:
    steady = scene(rows(TREATED, range(12), gain=0.0, drift=0.5), isolation="trend_line")
    (skill,) = skill_level(steady, "real calls").skills
    assert not skill.is_proven
    jump = scene(rows(TREATED, range(12), gain=12.0, drift=0.5), isolation="trend_line")
    level = skill_level(jump, "real calls")
    assert level.isolation == "trend_line"
    assert level.skills[0].interval.low < 12 < level.skills[0].interval.high
    assert level.skills[0].is_proven


def test_without_a_comparison_a_change_is_an_estimate_and_proves_nothing() -> None:
    level = skill_level(scene(rows(TREATED, range(12), gain=10.0)), "practice")
    assert level.isolation == "estimate"
    assert not level.skills[0].is_proven


def test_four_people_are_suppressed() -> None:
    level = skill_level(scene(rows(TREATED, range(4), gain=10.0)), "practice")
    assert (level.skills, level.basis) == ((), "not_measured")
    assert [(each.key, each.reason) for each in level.suppressed] == [
        ("relate.s0", "too_few_people")
    ]


def test_six_of_ten_people_tell_about_the_other_four() -> None:
    found = rows(TREATED, range(10), gain=5.0)
    six = Cohorts(frozenset(map(person, range(6))), frozenset(), are_teams=False)
    assert scene(found, six).find("relate.s0") is None
    five = Cohorts(frozenset(map(person, range(5))), frozenset(), are_teams=False)
    assert scene(found, five).find("relate.s0") is not None


def test_blocks_across_the_programs_days_are_left_out() -> None:
    late = Windows(date(2026, 1, 1), date(2026, 3, 31), date(2026, 5, 6), date(2026, 7, 31))
    found = metric_effect(scene(both(6.0), windows=late), "relate.s0", min_answers=0)
    assert found is not None
    assert last_day(date(2026, 5, 4)) == date(2026, 5, 10)  # this one is half before the 6th
    whole = metric_effect(scene(both(6.0)), "relate.s0", min_answers=0)
    assert whole is not None
    assert whole.before == found.before
    assert whole.after != found.after


def test_few_answers_are_no_measure() -> None:
    days = (date(2026, 2, 2), date(2026, 6, 1))
    few = [
        PersonRow(Spot(TREATED, "csat", bucket_of(day)), person(number), 1, 100.0)
        for day in days
        for number in range(9)
    ]
    assert metric_effect(scene(few), "csat") is None
    assert metric_effect(scene(few), "csat", min_answers=9) is not None


def test_with_everybody_there_it_is_the_textbook_difference() -> None:
    random = np.random.default_rng(5)
    treated, compared = random.normal(60, 9, (2, 11)), random.normal(58, 4, (2, 8))
    ours = estimate(change_of(Sample(*treated)), change_of(Sample(*compared)))
    book = difference_in_differences(
        [Change(*pair) for pair in treated.T], [Change(*pair) for pair in compared.T]
    )
    assert book is not None
    assert (ours.value, ours.low, ours.high, ours.p) == pytest.approx(
        (book.value, book.low, book.high, book.p)
    )


def test_who_came_or_left_counts_as_well() -> None:
    nan = np.nan
    left = Sample(np.array([50.0, 52, 54, 56, 58, 90]), np.array([60.0, 62, 64, 66, 68, nan]))
    kept = settle(left, 5)
    assert kept is not None
    assert change_of(kept).people == 6
    assert change_of(kept).before == 60.0
    assert turnover(kept) == pytest.approx(1 / 6)
    assert settle(Sample(np.full(9, 50.0), np.array([60.0] * 4 + [nan] * 5)), 5) is None


def test_other_people_are_no_change_of_people() -> None:
    """Half of the team is replaced by better people: sure, but nobody learned anything."""
    first = rows(TREATED, range(12), gain=0.0)
    late = [
        row._replace(person=person(int(row.person.int) - 1000 + 40), total=row.total + 20)
        for row in first
        if row.person.int < 1006 and row.spot.bucket >= date(2026, 4, 1)
    ]
    early = [row for row in first if row.person.int >= 1006 or row.spot.bucket < date(2026, 4, 1)]
    found = [*early, *late, *rows(COMPARED, range(20, 34), gain=0.0)]
    level = skill_level(scene(found), "practice")
    assert level.skills[0].treated_change > 5
    assert level.isolation == "estimate"
    assert not level.skills[0].is_proven


def test_intervals_hold_with_people_who_come_and_go() -> None:
    random = np.random.default_rng(11)
    hits = 0
    for _ in range(400):
        own = random.normal(60, 8, 40)
        before, after = own + random.normal(0, 4, 40), own + 3 + random.normal(0, 4, 40)
        before[:4], after[4:8] = np.nan, np.nan
        found = estimate(change_of(Sample(before, after)))
        hits += found.low <= 3 <= found.high
    assert 0.86 <= hits / 400 <= 0.94


def test_volume_is_what_was_done_during_and_after() -> None:
    found = scene(both(0.0)).volume("relate.s0")
    assert found is not None
    weeks = sum(date(2026, 4, 1) <= date(2026, 1, 5) + timedelta(weeks=week) for week in range(30))
    assert (found.people, found.n) == (12, 12 * weeks)
    assert scene(rows(OTHER, range(9), gain=0.0)).volume("relate.s0") is None
