"""Whether teams hold the same standard, in numbers and in words."""

from collections.abc import Sequence
from uuid import UUID

from services.reporting.trends.stats.between import TeamScores, Uniformity, between_teams
from services.reporting.trends.tables import Table
from services.reporting.trends.words import SkillWords, counted, listed
from shared.contracts.reports.tables import SkillUniformity, TeamPlace

ALPHA = 0.1
"""Chance of calling teams different that are alike, over all skills shown."""


def uniformity_of(table: Table, words: SkillWords) -> tuple[SkillUniformity, ...]:
    """Return each skill (or root) that at least two teams can be compared in."""
    rows: dict[str, list[int]] = {}
    for row, place in enumerate(table.places):
        rows.setdefault(place.name, []).append(row)
    found = []
    for name in sorted(rows):
        teams = [
            TeamScores(str(table.places[row].team_id), table.people_means(row))
            for row in rows[name]
        ]
        result = between_teams(teams)
        if result is not None:
            found.append(_skill(name, result, words))
    return tuple(found)


def uniformity_headline(skills: Sequence[SkillUniformity], words: SkillWords) -> str:
    """Return what all skills say together."""
    if not skills:
        return "No two teams have enough people to be compared."
    different = [each for each in skills if each.verdict == "different"]
    teams = len({team.team_id for each in skills for team in each.teams})
    if not different:
        return (
            f"{counted(teams, 'team')} hold the same standard, as far as"
            f" {counted(len(skills), 'skill')} can tell."
        )
    names = listed([words.name(each.skill) for each in different])
    return f"{counted(teams, 'team')} differ in {names} by more than chance explains."


def _skill(name: str, found: Uniformity, words: SkillWords) -> SkillUniformity:
    outliers = sum(team.is_outlier for team in found.teams)
    is_different = found.p < ALPHA and found.between_sd > 0
    called = words.name(name)
    if is_different:
        sentence = (
            f"{called}: teams differ by about {found.between_sd:.0f} points beyond chance"
            f" (p = {found.p:.3f}); {counted(outliers, 'team stands', 'teams stand')} apart."
        )
    else:
        sentence = (
            f"{called}: {len(found.teams)} teams are alike around {found.mean:.0f} of 100;"
            f" their differences are what chance explains (p = {found.p:.2f})."
        )
    return SkillUniformity(
        skill=name,
        mean=round(found.mean, 1),
        low=round(found.low, 1),
        high=round(found.high, 1),
        between_sd=round(found.between_sd, 1),
        within_sd=round(found.within_sd, 1),
        share_between=round(found.share_between, 3),
        p=round(found.p, 4),
        verdict="different" if is_different else "alike",
        sentence=sentence,
        teams=tuple(
            TeamPlace(
                team_id=UUID(team.name),
                learners=team.people,
                mean=round(team.mean, 1),
                low=round(team.low, 1),
                high=round(team.high, 1),
                shrunken=round(team.shrunken, 1),
                shrunken_low=round(team.shrunken_low, 1),
                shrunken_high=round(team.shrunken_high, 1),
                is_outlier=team.is_outlier,
            )
            for team in sorted(found.teams, key=lambda each: each.name)
        ),
    )
