"""What a team or a learner is good at: skills whose interval does not hold their own overall mean.

Everybody is measured against themselves, so somebody weak has strengths too, and a skill stands out
only when the numbers are enough to say so.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from services.reporting.trends.stats.bootstrap import mean_intervals
from services.reporting.trends.stats.means import mean_of_people
from services.reporting.trends.tables import Table
from services.reporting.trends.words import SkillWords, counted, listed
from shared.contracts.reports.tables import StandOut

SHOWN: Final = 3
"""Strengths, and areas to improve, at most."""

MIN_ATTEMPTS: Final = 3
"""Scores of one learner in one skill before anything is said about it."""


class Level(NamedTuple):
    """Where somebody stands in one skill."""

    skill: str
    n: int
    learners: int
    mean: float
    low: float
    high: float


class Strengths(NamedTuple):
    """What stands out."""

    mean: float | None
    strengths: tuple[StandOut, ...]
    areas: tuple[StandOut, ...]


def levels_of_team(table: Table, *, seed: int) -> list[Level]:
    """Return the levels of the skills of a table of one team, with intervals over its people."""
    if not table.places:
        return []
    found = mean_intervals(table.n, table.totals, seed=seed)
    n, learners = table.n.sum(axis=1), table.learners
    return [
        Level(
            place.name,
            int(n[row]),
            int(learners[row]),
            float(found.mean[row]),
            float(found.low[row]),
            float(found.high[row]),
        )
        for row, place in enumerate(table.places)
    ]


def levels_of_learner(scores: Mapping[str, Sequence[int]]) -> list[Level]:
    """Return the levels of the skills in which one learner has enough scores."""
    found = []
    for skill in sorted(scores):
        level = mean_of_people([float(score) for score in scores[skill]])
        if level is not None and level.n >= MIN_ATTEMPTS:
            low, high = max(level.low, 0.0), min(level.high, 100.0)
            found.append(Level(skill, len(scores[skill]), 1, level.value, low, high))
    return found


def strengths_of(levels: Sequence[Level], words: SkillWords) -> Strengths:
    """Return what stands out from the mean over all skills, each counting once."""
    if not levels:
        return Strengths(None, (), ())
    overall = float(np.mean([each.mean for each in levels]))
    above = sorted((each for each in levels if each.low > overall), key=lambda each: -each.mean)
    below = sorted((each for each in levels if each.high < overall), key=lambda each: each.mean)
    return Strengths(
        round(overall, 1),
        tuple(_stand_out(each, overall, words) for each in above[:SHOWN]),
        tuple(_stand_out(each, overall, words) for each in below[:SHOWN]),
    )


def strengths_headline(found: Strengths, words: SkillWords, nothing: str) -> str:
    """Return what stands out, in one sentence; `nothing` where there are no numbers at all."""
    if found.mean is None:
        return nothing
    parts = []
    if found.strengths:
        parts.append(f"strongest in {listed([words.name(each.skill) for each in found.strengths])}")
    if found.areas:
        parts.append(f"most to gain in {listed([words.name(each.skill) for each in found.areas])}")
    if not parts:
        return f"No skill stands out from the mean of {found.mean:.0f} of 100."
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _stand_out(level: Level, overall: float, words: SkillWords) -> StandOut:
    difference = level.mean - overall
    people = "" if level.learners == 1 else f" by {level.learners} people"
    sentence = (
        f"{words.name(level.skill)}: {level.mean:.0f} of 100, {abs(difference):.0f} points"
        f" {'above' if difference > 0 else 'below'} the mean over all skills"
        f" ({counted(level.n, 'score')}{people})."
    )
    return StandOut(
        skill=level.skill,
        n=level.n,
        learners=level.learners,
        mean=round(level.mean, 1),
        low=round(level.low, 1),
        high=round(level.high, 1),
        sentence=sentence,
    )
