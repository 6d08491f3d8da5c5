"""Trends on made-up teams: without a trend hardly any is told, a planted one is found."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import pytest

from services.reporting.trends.stats.between import TeamScores, between_teams
from services.reporting.trends.stats.bootstrap import mean_intervals
from services.reporting.trends.stats.panel import Cells
from services.reporting.trends.stats.team import team_statistics

SKILLS, WEEKS, PEOPLE = 24, 12, 8
BETWEEN, WITHIN, TALKS = 10.0, 12.0, 2


class World(NamedTuple):
    """Expected scores [S, W, P], scores taken [S, W, P], and where versions change."""

    level: np.ndarray
    talks: np.ndarray
    breaks: np.ndarray


Change = Callable[[np.random.Generator, World], World]
TIME = np.arange(WEEKS)[None, :, None] - (WEEKS - 1) / 2
LAST = PEOPLE


def plain(random: np.random.Generator, world: World) -> World:
    return world


def personal_drift(random: np.random.Generator, world: World) -> World:
    """Everybody slowly goes somewhere, a point a week, in all skills alike."""
    return world._replace(level=world.level + random.normal(0, 1, (1, 1, PEOPLE)) * TIME)


def drift_of_each_skill(random: np.random.Generator, world: World) -> World:
    return world._replace(level=world.level + random.normal(0, 1, (SKILLS, 1, PEOPLE)) * TIME)


def autocorrelated(random: np.random.Generator, world: World) -> World:
    """AR(1) with 0.6 from week to week, standard deviation 8."""
    steps = random.normal(0, 8, world.level.shape)
    for week in range(1, WEEKS):
        steps[:, week] = 0.6 * steps[:, week - 1] + 0.8 * steps[:, week]
    return world._replace(level=world.level + steps)


def unequal_attendance(random: np.random.Generator, world: World) -> World:
    rates = random.gamma(0.7, 2.5, PEOPLE)
    talks = np.broadcast_to(random.poisson(rates, (WEEKS, PEOPLE)), world.talks.shape)
    return world._replace(talks=talks.copy())


def coming_and_going(random: np.random.Generator, world: World) -> World:
    """Newcomers are better than those who leave: the plain mean of the team rises."""
    start = random.integers(-WEEKS // 2, WEEKS - 3, PEOPLE)
    end = start + random.integers(4, WEEKS, PEOPLE)
    weeks = np.arange(WEEKS)[None, :, None]
    there = (weeks >= start) & (weeks < end)
    return world._replace(level=world.level + start, talks=world.talks * there)


def another_version(random: np.random.Generator, world: World) -> World:
    """From the seventh week on everything scores twelve points more."""
    later = np.arange(WEEKS) >= WEEKS // 2
    breaks = world.breaks.copy()
    breaks[:, WEEKS // 2] = True
    return world._replace(level=world.level + 12 * later[None, :, None], breaks=breaks)


def shared_shocks(random: np.random.Generator, world: World) -> World:
    """Good and bad weeks for everybody at once."""
    return world._replace(level=world.level + random.normal(0, 5, (SKILLS, WEEKS, 1)))


def everything(random: np.random.Generator, world: World) -> World:
    for change in (personal_drift, autocorrelated, coming_and_going, another_version):
        world = change(random, world)
    return world


NULL_WORLDS = (
    plain,
    personal_drift,
    drift_of_each_skill,
    autocorrelated,
    unequal_attendance,
    coming_and_going,
    another_version,
    shared_shocks,
    everything,
)


def team(
    random: np.random.Generator, change: Change = plain, *, slope: float = 0, planted: int = 0
) -> Cells:
    shape = (SKILLS, WEEKS, PEOPLE)
    level = np.broadcast_to(60 + random.normal(0, BETWEEN, (SKILLS, 1, PEOPLE)), shape).copy()
    level[:planted] += slope * TIME
    world = change(random, World(level, np.full(shape, TALKS), np.zeros(shape[:2], dtype=bool)))
    totals = np.zeros(shape, dtype=np.int64)
    for talk in range(int(world.talks.max())):
        scores = np.clip(np.rint(random.normal(world.level, WITHIN)), 0, 100).astype(np.int64)
        totals += np.where(world.talks > talk, scores, 0)
    weeks = tuple(date(2026, 1, 5) + timedelta(weeks=week) for week in range(WEEKS))
    names = tuple(f"relate.s{index}" for index in range(SKILLS))
    return Cells(names, weeks, world.talks.astype(np.int64), totals, world.breaks)


def flagged(change: Change, teams: int) -> float:
    """The share of team-skill cells with a verdict that says something moved."""
    random = np.random.default_rng(20260105)
    verdicts = [
        cell.verdict for _ in range(teams) for cell in team_statistics(team(random, change), seed=1)
    ]
    assert verdicts.count("too_little_data") < len(verdicts) / 2
    return sum(verdict in {"improving", "declining"} for verdict in verdicts) / len(verdicts)


def power(planted: int, teams: int, slope: float = 2.0) -> float:
    """The share of planted slopes that are found, of 24 cells at once."""
    random = np.random.default_rng(42)
    found = 0
    for _ in range(teams):
        cells = team_statistics(team(random, slope=slope, planted=planted), seed=1)[:planted]
        found += sum(cell.verdict == ("improving" if slope > 0 else "declining") for cell in cells)
    return found / (teams * planted)


@pytest.mark.parametrize("change", NULL_WORLDS)
def test_without_a_trend_hardly_any_cell_is_flagged(change: Change):
    assert flagged(change, 40) <= 0.05


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("change", NULL_WORLDS)
def test_without_a_trend_hardly_any_cell_of_600_teams_is_flagged(change: Change):
    assert flagged(change, 600) <= 0.025


@pytest.mark.parametrize(("planted", "teams"), [(1, 60), (24, 10)])
def test_a_planted_slope_is_found(planted: int, teams: int):
    """Two points a week, alone among 24 cells or in all of them."""
    assert power(planted, teams) >= 0.8
    assert power(planted, teams, slope=-2.0) >= 0.8


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_planted_slope_is_found_in_600_teams():
    assert power(1, 600) >= 0.8


def test_slopes_and_intervals_hold_the_truth():
    """The 90 % interval of a planted slope holds it about as often as it says, and is not idle."""
    random = np.random.default_rng(5)
    held, width, off = [], [], []
    for _ in range(12):
        for cell in team_statistics(
            team(random, personal_drift, slope=1.0, planted=SKILLS), seed=1
        ):
            assert cell.slope is not None
            assert cell.slope_low is not None
            assert cell.slope_high is not None
            held.append(cell.slope_low <= 1.0 <= cell.slope_high)
            width.append(cell.slope_high - cell.slope_low)
            off.append(cell.slope - 1.0)
    assert 0.85 <= np.mean(held) <= 1.0
    assert np.mean(width) < 3
    assert abs(np.mean(off)) < 0.3


@pytest.mark.parametrize("people", [5, 8, 20])
def test_the_interval_of_a_mean_holds_the_truth(people: int):
    """Of 1500 teams, people more alike to themselves than to others."""
    random = np.random.default_rng(people)
    levels = random.normal(60, BETWEEN, (1500, people))
    n = random.integers(1, 5, levels.shape)
    totals = np.rint(n * levels + random.normal(0, 1, levels.shape) * WITHIN * np.sqrt(n)).astype(
        np.int64
    )
    found = mean_intervals(n, totals, seed=3)
    share = np.mean((found.low <= 60) & (found.high >= 60))
    assert 0.86 <= share <= 0.95
    assert (found.people == people).all()


def test_teams_of_one_standard_are_not_called_outliers_and_a_weak_one_is():
    random = np.random.default_rng(9)
    calls = 0
    for _ in range(60):
        teams = [TeamScores(str(index), random.normal(70, 8, 10)) for index in range(12)]
        alike = between_teams(teams)
        assert alike is not None
        calls += any(position.is_outlier for position in alike.teams)
        weak = between_teams([*teams[1:], TeamScores("weak", random.normal(50, 8, 10))])
        assert weak is not None
        assert weak.teams[-1].is_outlier
        assert weak.teams[-1].mean < weak.teams[-1].shrunken < weak.mean
    assert calls <= 7
