"""How hard scenarios are, whoever played them, and whether they tell good learners from others.

A score is taken as: the tenant's mean + what this person does better + how much easier this
scenario is. Both differences are estimated together, each pulled a little towards zero as
if people and scenarios differed by 10 points and one score scattered by 12: so a scenario that
only strong learners have played does not look easy. Scenarios that share no players with others
cannot be compared; then the model takes their players for average ones.
"""

from collections.abc import Sequence
from math import atanh, sqrt, tanh
from typing import Final, Literal
from uuid import UUID

import numpy as np
import numpy.typing as npt

from services.reporting.trends.stats.distributions import normal_quantile, t_quantile
from services.reporting.trends.stats.estimate import CONFIDENCE
from shared.contracts.base import Record

MIN_LEARNERS: Final = 5
"""No number about a scenario that fewer people have played; tenants may want more."""

MIN_SEPARATING: Final = 10
"""People with practice elsewhere too, for a correlation."""

MIN_ELSEWHERE: Final = 2
"""Scores that a person needs in other scenarios to count there."""

PULL: Final = (12.0 / 10.0) ** 2
"""Ratio of the two variances above: as if there were so many scores of zero difference."""

TOO_EASY: Final = 0.9
"""Nearly everybody passes: at least this share, even at the low end of its interval."""

TOO_HARD: Final = 0.3
"""Hardly anybody passes: at most this share, even at the high end of its interval."""

WEAK_SEPARATION: Final = 0.2
"""A correlation that is surely lower says nothing about who is good."""

Quality = Literal["fine", "too_easy", "too_hard", "does_not_separate", "too_little_data"]

_UPPER: Final = (1 + CONFIDENCE) / 2
_Z: Final = normal_quantile(_UPPER)
_ROUNDS: Final = 200
_CLOSE: Final = 1e-4
"""Points of change below which the two estimates agree; one digit is shown."""
_ALIKE: Final = 1e-6
"""Points of spread below which people do not differ."""

Floats = npt.NDArray[np.float64]


class Played(Record, frozen=True, kw_only=True):
    """All counted attempts of one person in one scenario."""

    scenario_id: UUID
    person: int
    """Any number that is the person's alone among the rows; the same in all scenarios."""
    n: int
    total: int
    """Sum of the overall scores, each 0..100."""
    graded: int
    """Attempts of which is known whether they were passed."""
    passed: int


class Measured(Record, frozen=True, kw_only=True):
    """A number with its 90 % interval."""

    value: float
    low: float
    high: float
    people: int
    """It rests on so many."""


class ScenarioQuality(Record, frozen=True, kw_only=True):
    """What the attempts say about one scenario; numbers are None where too few people played."""

    scenario_id: UUID
    n: int
    people: int
    mean: float | None
    pass_share: Measured | None
    """0..1 of the graded attempts; the interval counts people, because one person's attempts are
    alike."""
    expected: Measured | None
    """The score of the tenant's average learner here."""
    ease: float | None
    """Points above the tenant's average scenario, for the same learner."""
    separation: Measured | None
    """Correlation of people's mean here with their mean elsewhere, -1..1."""
    quality: Quality


class Fit(Record, frozen=True, kw_only=True):
    """The estimates behind `ScenarioQuality`, in points."""

    mean: float
    scenarios: dict[UUID, float]
    """By how much each scenario is easier than the average one."""


class _Grid:
    """The attempts as arrays: one entry per person and scenario."""

    def __init__(self, rows: Sequence[Played]) -> None:
        self.scenarios = sorted({row.scenario_id for row in rows})
        persons, places = np.unique([row.person for row in rows], return_inverse=True)
        self.people = len(persons)
        of_scenario = {each: number for number, each in enumerate(self.scenarios)}
        self.scenario = np.array([of_scenario[row.scenario_id] for row in rows], dtype=np.intp)
        self.person = places.astype(np.intp)
        self.n = np.array([row.n for row in rows], dtype=np.float64)
        self.total = np.array([row.total for row in rows], dtype=np.float64)
        self.graded = np.array([row.graded for row in rows], dtype=np.float64)
        self.passed = np.array([row.passed for row in rows], dtype=np.float64)

    def by_scenario(self, values: Floats) -> Floats:
        return np.bincount(self.scenario, values, len(self.scenarios)).astype(np.float64)

    def by_person(self, values: Floats) -> Floats:
        return np.bincount(self.person, values, self.people).astype(np.float64)


def fit(rows: Sequence[Played]) -> Fit:
    """Return the mean and what scenarios add to it; without rows nothing, around 0."""
    if not rows:
        return Fit(mean=0.0, scenarios={})
    grid = _Grid(rows)
    mean, _, scenarios = _solve(grid)
    return Fit(
        mean=mean,
        scenarios=dict(zip(grid.scenarios, scenarios.tolist(), strict=True)),
    )


def scenario_quality(
    rows: Sequence[Played], *, min_people: int = MIN_LEARNERS
) -> tuple[ScenarioQuality, ...]:
    """Return one entry per scenario, by id."""
    if not rows:
        return ()
    grid = _Grid(rows)
    mean, ability, ease = _solve(grid)
    return tuple(
        _quality(grid, number, mean, ability, ease, min_people)
        for number in range(len(grid.scenarios))
    )


def _solve(grid: _Grid) -> tuple[float, Floats, Floats]:
    mean = float(grid.total.sum() / grid.n.sum())
    residual = grid.total - grid.n * mean
    ability = np.zeros(grid.people)
    ease = np.zeros(len(grid.scenarios))
    per_person, per_scenario = grid.by_person(grid.n) + PULL, grid.by_scenario(grid.n) + PULL
    for _ in range(_ROUNDS):
        ability = grid.by_person(residual - grid.n * ease[grid.scenario]) / per_person
        before = ease
        ease = grid.by_scenario(residual - grid.n * ability[grid.person]) / per_scenario
        if np.abs(ease - before).max() < _CLOSE:
            break
    return mean, ability, ease


def _quality(
    grid: _Grid, number: int, mean: float, ability: Floats, ease: Floats, min_people: int
) -> ScenarioQuality:
    here = np.flatnonzero(grid.scenario == number)
    n, people = int(grid.n[here].sum()), len(here)
    scenario_id = grid.scenarios[number]
    if people < min_people:
        return ScenarioQuality(
            scenario_id=scenario_id,
            n=n,
            people=people,
            mean=None,
            pass_share=None,
            expected=None,
            ease=None,
            separation=None,
            quality="too_little_data",
        )
    passing = _passing(grid, here, min_people)
    separation = _separation(grid, number, ease, max(min_people, MIN_SEPARATING))
    return ScenarioQuality(
        scenario_id=scenario_id,
        n=n,
        people=people,
        mean=float(grid.total[here].sum()) / n,
        pass_share=passing,
        expected=_expected(grid, here, mean, ability, float(ease[number])),
        ease=float(ease[number]),
        separation=separation,
        quality=_judged(passing, separation),
    )


def _judged(passing: Measured | None, separation: Measured | None) -> Quality:
    if passing is not None and passing.low >= TOO_EASY:
        return "too_easy"
    if passing is not None and passing.high <= TOO_HARD:
        return "too_hard"
    if separation is not None and separation.high < WEAK_SEPARATION:
        return "does_not_separate"
    return "too_little_data" if passing is None else "fine"


def _passing(grid: _Grid, here: npt.NDArray[np.intp], min_people: int) -> Measured | None:
    """Return the share of passed attempts with Wilson's interval, each person counted once."""
    people = int(np.count_nonzero(grid.graded[here]))
    if people < min_people:
        return None
    share = float(grid.passed[here].sum() / grid.graded[here].sum())
    squared = _Z * _Z / people
    middle = (share + squared / 2) / (1 + squared)
    half = _Z * sqrt(share * (1 - share) / people + squared / (4 * people)) / (1 + squared)
    return Measured(
        value=share, low=max(middle - half, 0.0), high=min(middle + half, 1.0), people=people
    )


def _expected(
    grid: _Grid, here: npt.NDArray[np.intp], mean: float, ability: Floats, ease: float
) -> Measured:
    """Return the average learner's score; people, not attempts, are the independent units."""
    n, people = grid.n[here], len(here)
    apart = grid.total[here] - n * (mean + ease + ability[grid.person[here]])
    spread = sqrt(float(apart @ apart) * people / max(people - 1, 1)) / float(n.sum())
    half = spread * t_quantile(_UPPER, max(people - 1, 1))
    value = mean + ease
    return Measured(
        value=min(max(value, 0.0), 100.0),
        low=max(value - half, 0.0),
        high=min(value + half, 100.0),
        people=people,
    )


def _separation(grid: _Grid, number: int, ease: Floats, least: int) -> Measured | None:
    """Return the corrected item-total correlation: the scenario itself is not in the total.

    Scores elsewhere are made comparable by the ease of the scenarios that they were made in.
    """
    fair = grid.total - grid.n * ease[grid.scenario]
    own = np.flatnonzero(grid.scenario == number)
    elsewhere_n = grid.by_person(grid.n)[grid.person[own]] - grid.n[own]
    elsewhere = grid.by_person(fair)[grid.person[own]] - fair[own]
    is_counted = elsewhere_n >= MIN_ELSEWHERE
    here = own[is_counted]
    people = len(here)
    if people < least:
        return None
    scores = grid.total[here] / grid.n[here]
    others = elsewhere[is_counted] / elsewhere_n[is_counted]
    if np.ptp(scores) < _ALIKE or np.ptp(others) < _ALIKE:
        return None  # all alike: a correlation is not defined
    value = float(np.corrcoef(scores, others)[0, 1])
    middle = atanh(min(max(value, -0.999999), 0.999999))
    half = _Z / sqrt(people - 3)
    return Measured(value=value, low=tanh(middle - half), high=tanh(middle + half), people=people)
