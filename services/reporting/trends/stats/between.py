"""The same standard everywhere: how much teams differ beyond what their people do."""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from services.reporting.trends.stats.distributions import f_sf, t_quantile, t_two_sided
from services.reporting.trends.stats.estimate import CONFIDENCE
from services.reporting.trends.stats.multiple import benjamini_hochberg
from services.reporting.trends.stats.panel import Floats
from shared.contracts.base import Record

OUTLIER_SIGNIFICANCE: Final = 0.05
"""A team is an outlier when its corrected p is at most this."""


class TeamScores(NamedTuple):
    """One team or site."""

    name: str
    """Anything that tells it apart, like its id."""
    people: npt.ArrayLike
    """One mean score per person, 0..100."""


class TeamPosition(Record, frozen=True, kw_only=True):
    """Where a team stands."""

    name: str
    people: int
    mean: float
    """Of its people's means."""
    low: float
    high: float
    shrunken: float
    """The best guess of its level: the less its people say, the closer to the mean of all."""
    shrunken_low: float
    shrunken_high: float
    difference: float
    """Its mean less that of everybody else."""
    p_adjusted: float
    """Two-sided, of no difference from everybody else; corrected over the teams."""
    is_outlier: bool


class Uniformity(Record, frozen=True, kw_only=True):
    """How alike teams are; nothing is rounded."""

    people: int
    mean: float
    """Of teams; a team counts the more, the better its level is known."""
    low: float
    high: float
    between_sd: float
    """Standard deviation between teams beyond chance, in points; 0 when chance explains all."""
    within_sd: float
    """Standard deviation between people of one team."""
    share_between: float
    """I^2: the share (0..1) of the differences between team means that is not chance."""
    p: float
    """Of teams that do not differ at all (one-way analysis of variance)."""
    teams: tuple[TeamPosition, ...]
    """In the given order."""


class _Groups(NamedTuple):
    size: Floats
    mean: Floats
    within: float
    """Variance between people of one team, pooled."""
    freedom: int


def between_teams(
    teams: Sequence[TeamScores], *, confidence: float = CONFIDENCE
) -> Uniformity | None:
    """Compare teams on one mean per person.

    The variance between teams is DerSimonian and Laird's (method of moments). None with fewer
    than two teams, a team without people, or nobody beyond one person per team.
    """
    groups = _groups(teams)
    if groups is None:
        return None
    noise = np.maximum(groups.within, 1e-9) / groups.size
    fixed = 1 / noise
    scatter = float((fixed * (groups.mean - np.average(groups.mean, weights=fixed)) ** 2).sum())
    freedom = len(teams) - 1
    between = max(0.0, (scatter - freedom) / _moment(fixed))
    weights = 1 / (noise + between)
    mean = float(np.average(groups.mean, weights=weights))
    error = math.sqrt(1 / weights.sum())
    half = t_quantile((1 + confidence) / 2, freedom) * error
    return Uniformity(
        people=int(groups.size.sum()),
        mean=mean,
        low=mean - half,
        high=mean + half,
        between_sd=math.sqrt(between),
        within_sd=math.sqrt(groups.within),
        share_between=max(0.0, (scatter - freedom) / scatter) if scatter > 0 else 0.0,
        p=f_sf(scatter / freedom, freedom, groups.freedom),
        teams=_positions(teams, groups, between, (mean, error), confidence),
    )


def _groups(teams: Sequence[TeamScores]) -> _Groups | None:
    values = [np.asarray(team.people, dtype=np.float64) for team in teams]
    size = np.array([len(people) for people in values], dtype=np.float64)
    freedom = int(size.sum()) - len(teams)
    if len(teams) < 2 or not size.all() or freedom < 1:
        return None
    squares = sum(float(((people - people.mean()) ** 2).sum()) for people in values)
    return _Groups(
        size=size,
        mean=np.array([people.mean() for people in values]),
        within=squares / freedom,
        freedom=freedom,
    )


def _moment(weights: Floats) -> float:
    return float(weights.sum() - (weights**2).sum() / weights.sum())


def _positions(
    teams: Sequence[TeamScores],
    groups: _Groups,
    between: float,
    overall: tuple[float, float],
    confidence: float,
) -> tuple[TeamPosition, ...]:
    noise = groups.within / groups.size
    total = groups.size.sum()
    others = (total * np.average(groups.mean, weights=groups.size) - groups.size * groups.mean) / (
        total - groups.size
    )
    errors = np.sqrt(groups.within * (1 / groups.size + 1 / (total - groups.size)))
    p = [_p_value(*pair, groups.freedom) for pair in zip(groups.mean - others, errors, strict=True)]
    mean, error = overall
    kept = between / (between + noise) if between > 0 else np.zeros(len(teams))
    shrunken = mean + kept * (groups.mean - mean)
    shrunken_error = np.sqrt(kept * noise + ((1 - kept) * error) ** 2)
    t = t_quantile((1 + confidence) / 2, groups.freedom)
    return tuple(
        TeamPosition(
            name=team.name,
            people=int(groups.size[index]),
            mean=float(groups.mean[index]),
            low=float(groups.mean[index] - t * math.sqrt(noise[index])),
            high=float(groups.mean[index] + t * math.sqrt(noise[index])),
            shrunken=float(shrunken[index]),
            shrunken_low=float(shrunken[index] - t * shrunken_error[index]),
            shrunken_high=float(shrunken[index] + t * shrunken_error[index]),
            difference=float(groups.mean[index] - others[index]),
            p_adjusted=float(adjusted),
            is_outlier=bool(adjusted <= OUTLIER_SIGNIFICANCE),
        )
        for index, (team, adjusted) in enumerate(zip(teams, benjamini_hochberg(p), strict=True))
    )


def _p_value(difference: float, error: float, freedom: int) -> float:
    if error == 0:
        return float(difference == 0)
    return t_two_sided(difference / error, freedom)
