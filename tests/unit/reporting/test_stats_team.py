"""Trends of a team: verdicts and words, what does not move them, and what is too little."""

from datetime import date, timedelta

import numpy as np
import pytest

from services.reporting.trends.stats.between import TeamScores, between_teams
from services.reporting.trends.stats.bootstrap import mean_intervals
from services.reporting.trends.stats.centered import centered_line
from services.reporting.trends.stats.panel import Cells, cells_of
from services.reporting.trends.stats.team import team_statistics
from services.reporting.trends.stats.verdicts import CellStatistics

WEEKS = 12


def cells(
    slopes: tuple[float, ...] = (2.0,), *, people: int = 8, weeks: int = WEEKS, noise: float = 3.0
) -> Cells:
    random = np.random.default_rng(1)
    shape = (len(slopes), weeks, people)
    time = np.arange(weeks)[None, :, None]
    levels = 50 + 4 * np.arange(people) + np.array(slopes)[:, None, None] * (time - weeks / 2)
    scores = np.clip(np.rint(levels + random.normal(0, noise, shape)), 0, 100).astype(np.int64)
    days = tuple(date(2026, 1, 5) + timedelta(weeks=week) for week in range(weeks))
    names = tuple(f"relate.s{index}" for index in range(len(slopes)))
    return Cells(names, days, np.full(shape, 2), 2 * scores, np.zeros(shape[:2], dtype=bool))


def only(data: Cells, **options: int) -> CellStatistics:
    return team_statistics(data, seed=7, **options)[0]


def test_verdicts_say_what_happened_with_the_numbers_behind_it():
    up, down, flat = team_statistics(cells((2.0, -2.0, 0.0)), seed=7)
    assert (up.verdict, down.verdict, flat.verdict) == ("improving", "declining", "steady")
    assert up.slope == pytest.approx(2, abs=0.4)
    assert (up.learners, up.assessments, up.weeks, up.segments) == (8, 192, 12, 1)
    assert up.sentence == (
        f"Improving by {up.slope:.1f} points a week (90% interval {up.slope_low:.1f} to"
        f" {up.slope_high:.1f}; 8 people, 192 scores in 12 weeks)."
    )
    assert down.slope is not None
    assert down.sentence.startswith(f"Declining by {-down.slope:.1f} points a week (90% interval -")
    assert flat.sentence.startswith("No clear change: ")
    for cell in (up, down, flat):
        assert cell.mean is not None
        assert cell.mean_low is not None
        assert cell.mean_high is not None
        assert cell.mean_low <= cell.mean <= cell.mean_high
        assert cell.p is not None
        assert cell.p_adjusted is not None
        assert cell.p <= cell.p_adjusted
        assert cell.p_people is not None
        assert cell.p_people_adjusted is not None
        assert cell.p_people <= cell.p_people_adjusted


def test_each_test_has_a_p_of_its_own_and_a_verdict_needs_both():
    """Everybody goes somewhere else; or all have the same good and bad weeks, the last ones good."""
    drift = cells((0.0,), noise=0.0)
    slopes = np.array([-2, -1, -1, 0, 1, 2, 3, 4])
    totals = drift.totals + 2 * slopes * np.arange(WEEKS)[None, :, None]
    apart = only(drift._replace(totals=totals))
    assert apart.p is not None
    assert apart.p_people is not None
    assert apart.p < 0.001
    assert apart.p_people > 0.05
    assert apart.verdict == "steady"
    shocks = np.array([5, 1, 4, 0, 3, 2, 5, 4, 6, 3, 7, 4])[None, :, None]
    shared = only(drift._replace(totals=drift.totals + 2 * shocks))
    assert shared.p is not None
    assert shared.p_people is not None
    assert shared.p > 0.05
    assert shared.p_people < 0.001
    assert shared.verdict == "steady"


def test_a_small_team_that_clearly_gains_is_told_so_among_many_skills():
    """Six people, seven weeks, three points a week in every third of 42 skills."""
    found = team_statistics(cells((3.0, 0.0, 0.0) * 14, people=6, weeks=7, noise=6.0), seed=7)
    verdicts = [cell.verdict for cell in found]
    assert verdicts[::3].count("improving") >= 10
    assert verdicts.count("improving") + verdicts.count("declining") <= 15


def test_too_few_people_or_weeks_are_said_and_not_tested():
    few = only(cells(people=4))
    assert (few.verdict, few.reason, few.slope, few.p) == (
        "too_little_data",
        "too_few_people",
        None,
        None,
    )
    assert few.sentence == (
        "Too little data to tell a trend (4 people, 96 scores in 12 weeks): too few people active in three weeks."
    )
    short = only(cells(weeks=5))
    assert (short.verdict, short.reason) == ("too_little_data", "too_few_weeks")
    assert short.sentence.endswith("(8 people, 80 scores in 5 weeks): too few weeks.")
    assert only(cells(people=8), min_people=9).reason == "too_few_people"
    assert few.mean is not None


def test_people_who_came_once_or_twice_are_no_units_of_a_trend():
    data = cells(people=8)
    n = data.n.copy()
    n[:, 2:, 4:] = 0
    found = only(data._replace(n=n, totals=np.where(n > 0, data.totals, 0)))
    assert (found.verdict, found.reason, found.learners) == ("too_little_data", "too_few_people", 8)


def test_a_cell_without_anybody_is_too_little():
    data = cells((2.0, 0.0))
    n = data.n.copy()
    n[1] = 0
    empty = team_statistics(data._replace(n=n, totals=np.where(n > 0, data.totals, 0)), seed=7)[1]
    assert (empty.verdict, empty.mean, empty.mean_low, empty.weeks) == (
        "too_little_data",
        None,
        None,
        0,
    )
    assert team_statistics(cells(()), seed=7) == ()


def test_the_line_does_not_move_because_other_people_practiced():
    """Strong people come only in the second half; nobody changes."""
    data = cells((0.0,), noise=0.0)
    n = data.n.copy()
    n[:, :6, 4:] = 0
    totals = np.where(n > 0, data.totals, 0)
    plain = totals.sum(axis=2) / n.sum(axis=2)
    assert plain[0, -1] - plain[0, 0] == 8
    assert centered_line(data._replace(n=n, totals=totals)).values == pytest.approx(
        np.zeros((1, WEEKS)), abs=1e-6
    )
    assert only(data._replace(n=n, totals=totals)).verdict == "steady"


def test_who_joins_while_the_team_rises_does_not_flatten_the_line():
    data = cells((2.0,), noise=0.0)
    n = data.n.copy()
    n[:, :6, 4:] = 0
    line = centered_line(data._replace(n=n, totals=np.where(n > 0, data.totals, 0)))
    assert np.diff(line.values[0]) == pytest.approx(np.full(WEEKS - 1, 2.0), abs=1e-4)


def test_a_jump_between_versions_is_no_trend_and_is_said():
    data = cells((0.0,), weeks=20)
    totals = data.totals.copy()
    totals[:, 10:] += 2 * 15
    assert only(data._replace(totals=totals)).verdict == "improving"
    breaks = data.breaks.copy()
    breaks[0, 10] = True
    found = only(data._replace(totals=totals, breaks=breaks))
    assert (found.verdict, found.segments) == ("steady", 2)
    assert found.sentence.endswith(
        " The scoring changed 1 time; only weeks under the same version were compared."
    )


def test_a_slope_goes_on_across_versions():
    data = cells((2.0,))
    totals = data.totals.copy()
    totals[:, 6:] -= 2 * 15
    breaks = data.breaks.copy()
    breaks[0, 6] = True
    found = only(data._replace(totals=totals, breaks=breaks))
    assert found.verdict == "improving"
    assert found.slope == pytest.approx(2, abs=0.6)


def test_versions_of_two_weeks_each_are_too_little():
    data = cells()
    breaks = data.breaks.copy()
    breaks[0, 1:] = True
    assert only(data._replace(breaks=breaks)).reason == "too_few_people"


def test_the_same_data_give_the_same_answer_in_any_order():
    random = np.random.default_rng(2)
    data = cells((1.0, 0.0))
    cell, week, person = (column.ravel() for column in np.indices(data.n.shape))
    expected = team_statistics(data, seed=3)
    order = random.permutation(cell.size)
    built = cells_of(
        data.names,
        data.weeks,
        8,
        cell=np.concatenate([cell[order], cell]),
        week=np.concatenate([week[order], week]),
        person=np.concatenate([person[order], person]),
        n=np.ones(2 * cell.size),
        totals=np.concatenate([data.totals.ravel()[order] - 1, np.ones(cell.size)]),
    )
    assert (built.n == data.n).all()
    assert (built.totals == data.totals).all()
    assert team_statistics(built, seed=3) == expected
    assert team_statistics(data, seed=3) == expected
    other = team_statistics(data, seed=4)[0]
    assert other.slope == expected[0].slope
    assert other.mean_low != expected[0].mean_low


def test_weeks_without_anybody_keep_their_distance():
    data = cells((2.0,), noise=0.0)
    kept = [0, 1, 2, 3, 8, 9, 10, 11]
    sparse = data._replace(
        weeks=tuple(data.weeks[week] for week in kept),
        n=data.n[:, kept],
        totals=data.totals[:, kept],
        breaks=data.breaks[:, kept],
    )
    assert only(sparse).slope == pytest.approx(2.0, abs=1e-6)


def test_intervals_of_means_at_the_edges():
    n = np.array([[2, 0, 0], [0, 0, 0], [1, 1, 1]])
    totals = np.array([[120, 0, 0], [0, 0, 0], [70, 70, 70]])
    found = mean_intervals(n, totals, seed=1)
    assert (found.mean[0], found.low[0], found.high[0]) == (60, 60, 60)
    assert np.isnan([found.mean[1], found.low[1], found.high[1]]).all()
    assert (found.low[2], found.high[2]) == (70, 70)
    assert found.people.tolist() == [1, 0, 3]
    big = mean_intervals(n * 10**6, totals * 10**6, seed=1)
    assert big.mean[0] == 60
    assert mean_intervals(
        np.zeros((2, 0), dtype=int), np.zeros((2, 0), dtype=int), seed=1
    ).people.tolist() == [0, 0]


def test_a_wider_confidence_is_a_wider_interval():
    data = cells((0.0,), noise=8.0)
    n, totals = data.n.sum(axis=1), data.totals.sum(axis=1)
    narrow, wide = (mean_intervals(n, totals, seed=1, confidence=share) for share in (0.5, 0.95))
    assert wide.low[0] < narrow.low[0] < narrow.high[0] < wide.high[0]


def test_teams_that_cannot_be_compared_are_not():
    assert between_teams([TeamScores("a", [1.0, 2.0])]) is None
    assert between_teams([TeamScores("a", [1.0]), TeamScores("b", [2.0])]) is None
    assert between_teams([TeamScores("a", [1.0, 2.0]), TeamScores("b", [])]) is None
    same = between_teams([TeamScores("a", [5.0, 5.0]), TeamScores("b", [5.0, 5.0])])
    assert same is not None
    assert (same.between_sd, same.share_between, same.p) == (0, 0, 1)
    assert not any(team.is_outlier for team in same.teams)
