"""Whether teams hold the same standard, in numbers and in words."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import numpy as np

from services.reporting.trends.stats.between import TeamScores, Uniformity, between_teams
from services.reporting.trends.stats.multiple import benjamini_hochberg
from services.reporting.trends.tables import Table
from services.reporting.trends.words import SkillWords, counted, listed, skills_counted
from shared.contracts.reports.tables import SkillUniformity, TeamPlace

ALPHA: Final = 0.05
"""Teams are different when p, corrected over all skills shown, is at most this."""


def uniformity_of(table: Table, words: SkillWords) -> tuple[SkillUniformity, ...]:
    """Return each skill (or root) that at least two teams can be compared in."""
    rows: dict[str, list[int]] = {}
    for row, place in enumerate(table.places):
        rows.setdefault(place.name, []).append(row)
    found: dict[str, Uniformity] = {}
    for name in sorted(rows):
        teams = [
            TeamScores(str(table.places[row].team_id), table.people_means(row))
            for row in rows[name]
        ]
        result = between_teams(teams)
        if result is not None:
            found[name] = result
    adjusted = benjamini_hochberg(np.array([each.p for each in found.values()]))
    return tuple(
        _skill(name, each, float(p), words)
        for (name, each), p in zip(found.items(), adjusted, strict=True)
    )


def uniformity_headline(skills: Sequence[SkillUniformity], words: SkillWords) -> str:
    """Return what all skills say together."""
    if not skills:
        return "No two teams have enough people to be compared."
    different = [each for each in skills if each.verdict == "different"]
    teams = len({team.team_id for each in skills for team in each.teams})
    if not different:
        compared = skills_counted(len(skills), [each.skill for each in skills])
        return (
            f"{counted(teams, 'team')} differ by no more than chance explains: {compared} compared."
        )
    names = listed([words.name(each.skill) for each in different])
    return f"{counted(teams, 'team')} differ in {names} by more than chance explains."


def _skill(name: str, found: Uniformity, adjusted: float, words: SkillWords) -> SkillUniformity:
    is_different = adjusted <= ALPHA and found.between_sd > 0
    # No team stands apart from others where it is open whether any of them differ.
    apart = {team.name for team in found.teams if is_different and team.is_outlier}
    called = words.name(name)
    if is_different:
        sentence = (
            f"{called}: teams differ by about {found.between_sd:.0f} points beyond chance"
            f" (corrected p = {adjusted:.3f});"
            f" {counted(len(apart), 'team stands', 'teams stand')} apart."
        )
    else:
        sentence = (
            f"{called}: {len(found.teams)} teams are alike around {found.mean:.0f} of 100;"
            f" their differences are what chance explains (corrected p = {adjusted:.2f})."
        )
    return SkillUniformity(
        skill=name,
        mean=round(found.mean, 1),
        low=_held(found.low),
        high=_held(found.high),
        between_sd=round(found.between_sd, 1),
        within_sd=round(found.within_sd, 1),
        share_between=round(found.share_between, 3),
        p=round(found.p, 4),
        p_adjusted=round(adjusted, 4),
        verdict="different" if is_different else "alike",
        sentence=sentence,
        teams=tuple(
            TeamPlace(
                team_id=UUID(team.name),
                learners=team.people,
                mean=round(team.mean, 1),
                low=_held(team.low),
                high=_held(team.high),
                shrunken=round(team.shrunken, 1),
                shrunken_low=_held(team.shrunken_low),
                shrunken_high=_held(team.shrunken_high),
                is_outlier=team.name in apart,
            )
            for team in sorted(found.teams, key=lambda each: each.name)
        ),
    )


def _held(end: float) -> float:
    """Return the end of an interval of scores: few teams leave more open than there are scores."""
    return round(min(max(end, 0.0), 100.0), 1)
