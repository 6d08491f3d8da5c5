"""Our statistics equal independent computations: scipy, statsmodels, and least squares by hand."""

import math
from datetime import date, timedelta
from itertools import permutations

import numpy as np
import pytest
import scipy.stats
from statsmodels.regression.linear_model import OLS, WLS
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from services.reporting.trends.stats.between import TeamScores, between_teams
from services.reporting.trends.stats.centered import centered_line
from services.reporting.trends.stats.correlation import ranks_of, spearman
from services.reporting.trends.stats.distributions import (
    f_sf,
    normal_sf,
    t_cdf,
    t_quantile,
    t_two_sided,
)
from services.reporting.trends.stats.effects import (
    Change,
    Dated,
    change_of_people,
    difference_in_differences,
    trend_line_gap,
)
from services.reporting.trends.stats.kendall import EXACT_POINTS, monotone_trend
from services.reporting.trends.stats.means import mean_of_people
from services.reporting.trends.stats.multiple import benjamini_hochberg
from services.reporting.trends.stats.panel import Cells
from services.reporting.trends.stats.proportions import net_promoter, wilson
from services.reporting.trends.stats.slopes import own_slopes, people_slope

SEEDS = range(8)


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def cells(seed: int, *, skills: int = 2, weeks: int = 9, people: int = 7, parts: int = 1) -> Cells:
    random = rng(seed)
    n = random.poisson(1.5, (skills, weeks, people))
    totals = np.where(n > 0, np.clip(random.normal(70, 15, n.shape).astype(int), 0, 100) * n, 0)
    breaks = np.zeros((skills, weeks), dtype=bool)
    breaks[:, 4] = parts == 2
    first = date(2026, 1, 5)
    days = tuple(first + timedelta(weeks=week) for week in range(weeks))
    return Cells(tuple(f"a.s{index}" for index in range(skills)), days, n, totals, breaks)


@pytest.mark.parametrize("df", [1, 2, 3.7, 7, 30, 500])
def test_distributions_equal_scipy(df: float):
    for value in (-8.0, -1.3, -0.01, 0.0, 0.4, 2.2, 40.0):
        assert t_cdf(value, df) == pytest.approx(scipy.stats.t.cdf(value, df), abs=1e-11)
        assert t_two_sided(value, df) == pytest.approx(
            2 * scipy.stats.t.sf(abs(value), df), rel=1e-9
        )
        assert normal_sf(value) == pytest.approx(scipy.stats.norm.sf(value), rel=1e-12)
        assert f_sf(abs(value), df, 5) == pytest.approx(
            scipy.stats.f.sf(abs(value), df, 5), rel=1e-9
        )
    for share in (0.001, 0.05, 0.5, 0.9, 0.975):
        assert t_quantile(share, df) == pytest.approx(
            scipy.stats.t.ppf(share, df), rel=1e-9, abs=1e-12
        )


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("decimals", [0, 6])
def test_slope_and_test_of_a_line_equal_scipy(seed: int, decimals: int):
    """With whole numbers there are ties."""
    random = rng(seed)
    count = int(random.integers(6, 40))
    times = np.cumsum(random.integers(1, 3, count)).astype(float)
    values = np.round(0.1 * times + random.normal(0, 2, count), decimals)
    found = monotone_trend(times, values[None], np.ones((1, count), dtype=bool))
    slope = scipy.stats.theilslopes(values, times, alpha=0.9)
    assert found.slope[0] == pytest.approx(slope.slope)
    assert (found.low[0], found.high[0]) == pytest.approx((slope.low_slope, slope.high_slope))
    tau = scipy.stats.kendalltau(times, values, method="asymptotic")
    assert 2 * normal_sf(abs(found.score[0]) / math.sqrt(found.variance[0])) == pytest.approx(
        tau.pvalue
    )
    exact = len(set(values)) == count <= EXACT_POINTS
    if exact:
        tau = scipy.stats.kendalltau(times, values, method="exact")
        assert found.p[0] == pytest.approx(tau.pvalue)
    else:
        z = max(abs(found.score[0]) - 1, 0) / math.sqrt(found.variance[0])
        assert found.p[0] == pytest.approx(min(1, 2 * scipy.stats.norm.sf(z)))


@pytest.mark.parametrize("count", [6, 7, 12, EXACT_POINTS])
def test_the_test_of_a_short_line_without_ties_is_exact(count: int):
    for seed in range(30):
        values = rng(seed).normal(size=count) + 0.02 * seed * np.arange(count)
        found = monotone_trend(
            np.arange(count, dtype=float), values[None], np.ones((1, count), dtype=bool)
        )
        exact = scipy.stats.kendalltau(np.arange(count), values, method="exact").pvalue
        assert found.p[0] == pytest.approx(exact)


def test_the_exact_test_of_two_segments_counts_every_order():
    """Three points and four: all 144 orders of them, each as likely without a trend."""
    segments = np.array([[0, 0, 0, 1, 1, 1, 1]])
    orders = [
        (*first, *(3 + each for each in second))
        for first in permutations(range(3))
        for second in permutations(range(4))
    ]
    found = monotone_trend(
        np.arange(7.0),
        np.array(orders, dtype=float),
        np.ones((len(orders), 7), dtype=bool),
        np.repeat(segments, len(orders), axis=0),
    )
    far = np.abs(found.score)
    assert found.p == pytest.approx([np.mean(far >= each) for each in far])


def test_a_line_with_gaps_is_the_line_without_them():
    random = rng(3)
    values = random.normal(size=(1, 20))
    present = random.random((1, 20)) < 0.6
    times = np.arange(20, dtype=float)
    gappy = monotone_trend(times, values, present)
    dense = monotone_trend(
        times[present[0]], values[:, present[0]], np.ones((1, int(present.sum())), dtype=bool)
    )
    for one, other in zip(gappy, dense, strict=True):
        assert one == pytest.approx(other)


@pytest.mark.parametrize("seed", SEEDS)
def test_corrected_p_values_equal_statsmodels(seed: int):
    p = np.round(rng(seed).random(15) ** 3, 2)
    assert benjamini_hochberg(p) == pytest.approx(multipletests(p, method="fdr_bh")[1])
    holes = np.insert(p, [0, 7], np.nan)
    assert benjamini_hochberg(holes)[~np.isnan(holes)] == pytest.approx(benjamini_hochberg(p))
    assert np.isnan(benjamini_hochberg([math.nan, math.nan])).all()


@pytest.mark.parametrize("positives", [0, 1, 4, 10, 19, 20])
def test_shares_equal_statsmodels(positives: int):
    found = wilson(positives, 20)
    low, high = proportion_confint(positives, 20, alpha=0.1, method="wilson")
    assert (found.value, found.n) == (positives / 20, 20)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-12)
    assert found.low <= found.value <= found.high


def test_net_promoter_score_is_a_mean_of_signs():
    answers = np.array([1] * 30 + [0] * 15 + [-1] * 10)
    found = net_promoter(30, 10, 55)
    half = 1.6448536269514722 * answers.std() / math.sqrt(55)
    assert found.value == pytest.approx(100 * answers.mean())
    assert (found.low, found.high) == pytest.approx(
        (found.value - 100 * half, found.value + 100 * half)
    )
    everybody = net_promoter(12, 0, 12)
    assert (everybody.value, everybody.low, everybody.high) == (100, 100, 100)


@pytest.mark.parametrize("arguments", [(0, 0), (3, 2), (-1, 4)])
def test_impossible_counts_are_refused(arguments: tuple[int, int]):
    with pytest.raises(ValueError, match="share"):
        wilson(*arguments)
    with pytest.raises(ValueError, match="promoter"):
        net_promoter(arguments[0], 0, arguments[1])


@pytest.mark.parametrize("seed", SEEDS)
def test_rank_correlation_equals_scipy(seed: int):
    random = rng(seed)
    x, y = random.integers(0, 12, 20).astype(float), random.normal(size=20)
    y = y + 0.2 * x
    found, expected = spearman(list(x), list(y)), scipy.stats.spearmanr(x, y)
    assert found is not None
    assert (found.rho, found.p) == pytest.approx((expected.statistic, expected.pvalue))
    assert ranks_of(list(x)) == pytest.approx(scipy.stats.rankdata(x))
    error = math.sqrt((1 + found.rho**2 / 2) / 17)
    assert math.atanh(found.high) - math.atanh(found.low) == pytest.approx(
        2 * 1.6448536269514722 * error
    )


def test_no_correlation_of_few_people_or_without_variation():
    assert spearman([1, 2, 3, 4], [1, 2, 3, 4]) is None
    assert spearman([1, 1, 1, 1, 1], [1, 2, 3, 4, 5]) is None
    perfect = spearman([1, 2, 3, 4, 5], [5, 4, 3, 2, 1])
    assert perfect is not None
    assert perfect.rho == pytest.approx(-1)
    with pytest.raises(ValueError, match="every person"):
        spearman([1, 2], [1])


@pytest.mark.parametrize("seed", SEEDS)
def test_program_effects_equal_scipy_and_statsmodels(seed: int):
    random = rng(seed)
    before, after = random.normal(60, 10, 9), random.normal(66, 12, 9)
    treated = [Change(*pair) for pair in zip(before, after, strict=True)]
    others = [Change(50, 50 + float(change)) for change in random.normal(1, 4, 14)]
    one = np.array([change.after - change.before for change in treated])
    other = np.array([change.after - change.before for change in others])
    found, expected = (
        difference_in_differences(treated, others),
        scipy.stats.ttest_ind(one, other, equal_var=False),
    )
    assert found is not None
    interval = expected.confidence_interval(0.9)
    assert (found.value, found.p) == pytest.approx((one.mean() - other.mean(), expected.pvalue))
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.is_proven == (not interval.low <= 0 <= interval.high)
    # The same as regressing each person's change, with errors robust to the group.
    groups = np.r_[np.ones(9), np.zeros(14)]
    fit = OLS(np.r_[one, other], np.column_stack([np.ones(23), groups])).fit(cov_type="HC2")
    assert found.value == pytest.approx(fit.params[1])
    assert (found.high - found.low) / 2 == pytest.approx(fit.bse[1] * t_quantile(0.95, expected.df))
    alone, test = change_of_people(treated), scipy.stats.ttest_1samp(one, 0)
    assert alone is not None
    assert (alone.p, alone.low) == pytest.approx((test.pvalue, test.confidence_interval(0.9).low))
    mean = mean_of_people(list(one))
    assert mean is not None
    assert (mean.value, mean.low, mean.high) == pytest.approx((alone.value, alone.low, alone.high))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_gap_to_a_trend_line_equals_a_regression(seed: int):
    """A regression with a term of its own for each later point leaves the line to the early ones."""
    random = rng(seed)
    early = [Dated(float(week), 60 + week + float(random.normal(0, 2))) for week in range(9)]
    late = [Dated(float(week), 66 + week + float(random.normal(0, 2))) for week in range(10, 14)]
    found = trend_line_gap(early, late)
    points = np.array([*early, *late])
    own = np.vstack([np.zeros((9, 4)), np.eye(4)])
    fit = OLS(points[:, 1], np.column_stack([np.ones(13), points[:, 0], own])).fit()
    contrast = fit.t_test(np.array([[0, 0, 0.25, 0.25, 0.25, 0.25]]))
    assert found is not None
    assert found.value == pytest.approx(contrast.effect[0])
    assert found.p == pytest.approx(float(contrast.pvalue), abs=1e-12)
    assert (found.low, found.high) == pytest.approx(tuple(contrast.conf_int(0.1)[0]))


def test_effects_of_too_little_are_none():
    assert difference_in_differences([Change(1, 2)], [Change(1, 2), Change(2, 3)]) is None
    assert change_of_people([Change(1, 2)]) is None
    assert mean_of_people([3]) is None
    line = [Dated(float(week), 1.0) for week in range(6)]
    assert trend_line_gap(line[:5], line) is None
    assert trend_line_gap(line, []) is None
    assert trend_line_gap([Dated(1.0, float(value)) for value in range(6)], line) is None


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("seed", SEEDS)
def test_own_slopes_equal_least_squares(seed: int, parts: int):
    data = cells(seed, parts=parts)
    own = own_slopes(data)
    for skill, person in np.argwhere(own.counts):
        n = data.n[skill, :, person]
        inside = [np.flatnonzero((n > 0) & (data.segments[skill] == part)) for part in (0, 1)]
        weeks = np.concatenate([part for part in inside if len(part) >= 2])
        levels = [data.segments[skill, weeks] == part for part in (0, 1)]
        design = np.column_stack([weeks, *(level for level in levels if level.any())]).astype(float)
        fit = WLS(data.totals[skill, weeks, person] / n[weeks], design, weights=n[weeks]).fit()
        assert own.slopes[skill, person] == pytest.approx(fit.params[0])
        assert own.residuals[skill, person] == pytest.approx((fit.wresid**2).sum(), abs=1e-8)
        assert own.freedom[skill, person] == len(weeks) - design.shape[1]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_slope_of_all_people_equals_a_random_effects_mean(seed: int):
    own = own_slopes(cells(seed, people=12))
    found = people_slope(own)
    for skill, counts in enumerate(own.counts):
        noise = own.residuals[skill].sum() / own.freedom[skill].sum()
        with np.errstate(invalid="ignore"):
            expected = combine_effects(
                own.slopes[skill][counts], noise / own.spreads[skill][counts], method_re="dl"
            )
        # statsmodels goes on with a negative variance between people; ours is 0 then.
        varies = expected.tau2 > 0
        mean = expected.mean_effect_re if varies else expected.mean_effect_fe
        error = expected.sd_eff_w_re_hksj if varies else expected.sd_eff_w_fe_hksj
        assert found.mean[skill] == pytest.approx(mean)
        assert found.error[skill] == pytest.approx(error)
        t = mean / error
        assert found.p[skill] == pytest.approx(2 * scipy.stats.t.sf(abs(t), counts.sum() - 1))


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_centered_line_equals_least_squares_with_a_level_per_person(seed: int, parts: int):
    data = cells(seed, parts=parts)
    line = centered_line(data)
    for skill in range(2):
        weeks, people = np.nonzero(data.n[skill])
        part = data.segments[skill, weeks]
        levels = (people[:, None] == np.arange(7)) * (part[:, None] == 0)
        later = (people[:, None] == np.arange(7)) * (part[:, None] == 1)
        design = np.column_stack([weeks[:, None] == np.arange(9), levels, later]).astype(float)
        n = data.n[skill, weeks, people]
        # Levels and weeks together are determined up to constants: any of the best fits will do.
        root = np.sqrt(n)
        fit = np.linalg.lstsq(
            design * root[:, None], data.totals[skill, weeks, people] / root, rcond=None
        )[0]
        for number in (0, 1):
            own = np.flatnonzero(line.present[skill] & (data.segments[skill] == number))
            if len(own):
                differences = fit[own] - fit[own[0]]
                assert line.values[skill, own] - line.values[skill, own[0]] == pytest.approx(
                    differences, abs=1e-3
                )


@pytest.mark.parametrize("seed", SEEDS)
def test_differences_between_teams_equal_scipy_and_statsmodels(seed: int):
    random = rng(seed)
    values = [random.normal(random.normal(70, 6), 8, int(random.integers(5, 12))) for _ in range(6)]
    found = between_teams([TeamScores(str(index), people) for index, people in enumerate(values)])
    assert found is not None
    variance = sum(((v - v.mean()) ** 2).sum() for v in values) / (sum(map(len, values)) - 6)
    effects = combine_effects(
        np.array([v.mean() for v in values]),
        np.array([variance / len(v) for v in values]),
        method_re="dl",
    )
    assert found.p == pytest.approx(scipy.stats.f_oneway(*values).pvalue)
    assert found.between_sd**2 == pytest.approx(max(0, effects.tau2))
    assert found.within_sd**2 == pytest.approx(variance)
    assert found.share_between == pytest.approx(max(0, effects.i2))
    if effects.tau2 > 0:
        assert found.mean == pytest.approx(effects.mean_effect_re)
    for position, own in zip(found.teams, values, strict=True):
        assert position.mean == pytest.approx(own.mean())
        assert (
            min(own.mean(), found.mean) - 1e-9
            <= position.shrunken
            <= max(own.mean(), found.mean) + 1e-9
        )
        assert position.shrunken_low < position.shrunken < position.shrunken_high
