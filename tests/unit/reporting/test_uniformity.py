"""Teams beside each other: alike ones are not called different because many skills are looked at."""

from uuid import UUID

import numpy as np

from services.reporting.trends.tables import Place, Table
from services.reporting.trends.uniformity import uniformity_headline, uniformity_of
from services.reporting.trends.words import STANDARD
from shared.contracts.reports.tables import SkillUniformity

SKILLS, TEAMS, PEOPLE = 20, 6, 8


def table(random: np.random.Generator, first_is_lower_by: float = 0) -> Table:
    """One score per person; the first team is weaker in the first skill."""
    places = [
        Place(UUID(int=team + 1), f"own.s{skill:02}")
        for team in range(TEAMS)
        for skill in range(SKILLS)
    ]
    n = np.zeros((len(places), TEAMS * PEOPLE), dtype=np.int64)
    totals = np.zeros_like(n)
    for row, place in enumerate(places):
        team = place.team_id.int - 1
        people = slice(team * PEOPLE, (team + 1) * PEOPLE)
        level = 60 - first_is_lower_by * (team == 0 and place.name == "own.s00")
        n[row, people] = 1
        totals[row, people] = np.clip(np.rint(random.normal(level, 10, PEOPLE)), 0, 100)
    return Table(tuple(places), n, totals, ())


def compared(random: np.random.Generator, lower: float = 0) -> tuple[SkillUniformity, ...]:
    return uniformity_of(table(random, lower), STANDARD)


def test_teams_that_are_alike_are_seldom_called_different_in_any_of_many_skills():
    random = np.random.default_rng(11)
    worlds = [compared(random) for _ in range(60)]
    wrong = [any(each.verdict == "different" for each in world) for world in worlds]
    assert sum(wrong) <= 7
    for world in worlds:
        for each in world:
            assert each.p_adjusted is not None
            assert each.p_adjusted >= each.p
            is_different = each.verdict == "different"
            assert is_different or not any(team.is_outlier for team in each.teams)


def test_a_team_that_is_apart_is_found_among_many_skills():
    found = compared(np.random.default_rng(12), 30)
    (different,) = [each for each in found if each.verdict == "different"]
    assert different.skill == "own.s00"
    assert UUID(int=1) in {team.team_id for team in different.teams if team.is_outlier}
    assert uniformity_headline(found, STANDARD) == (
        "6 teams differ in S00 by more than chance explains."
    )
    alike = [each for each in found if each.verdict == "alike"]
    assert uniformity_headline(alike, STANDARD) == (
        "6 teams differ by no more than chance explains: 19 skills compared."
    )


def test_intervals_stay_on_the_scale():
    scores = table(np.random.default_rng(13))
    high = np.where(scores.n > 0, 100 - scores.totals % 3, 0)
    kept = [row for row, place in enumerate(scores.places) if place.team_id.int <= 2]
    two = Table(tuple(scores.places[row] for row in kept), scores.n[kept], high[kept], ())
    for each in uniformity_of(two, STANDARD):
        assert 0 <= each.low <= each.mean <= each.high <= 100
