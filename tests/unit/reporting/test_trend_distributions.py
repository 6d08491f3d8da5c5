"""Histograms lose nothing: they merge in any order, and quartiles equal those of the raw scores."""

import statistics
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reporting.trends.distributions import (
    EMPTY,
    Distribution,
    difference,
    distribution_of,
    distribution_of_counts,
    mean,
    merge,
    quartiles,
)

scores = st.lists(st.integers(0, 100), max_size=80)
some_scores = st.lists(st.integers(0, 100), min_size=1, max_size=80)


@given(a=scores, b=scores, c=scores)
def test_merging_in_any_order_equals_counting_everything(a: list[int], b: list[int], c: list[int]):
    one, two, three = distribution_of(a), distribution_of(b), distribution_of(c)
    whole = distribution_of(a + b + c)
    assert merge([merge([one, two]), three]) == whole
    assert merge([one, merge([two, three])]) == whole
    assert merge([three, one, two]) == whole
    assert merge([EMPTY, whole]) == whole
    assert merge([]) == EMPTY


@given(a=scores, b=scores)
def test_a_difference_undoes_and_redoes(a: list[int], b: list[int]):
    before, after = distribution_of(a), distribution_of(b)
    assert merge([before, difference(after, before)]) == after
    assert difference(before, before).is_zero


@given(raw=scores)
def test_the_sums_are_those_of_the_histogram(raw: list[int]):
    counted = distribution_of(raw)
    cells = list(enumerate(counted.histogram))
    assert counted.n == len(raw) == sum(count for _, count in cells)
    assert counted.total == sum(raw) == sum(score * count for score, count in cells)
    assert counted.squares == sum(score * score * count for score, count in cells)
    assert counted.is_zero is (raw == [])
    assert distribution_of_counts(Counter(raw)) == counted


@given(raw=st.lists(st.integers(0, 100), min_size=2, max_size=80))
def test_quartiles_equal_the_inclusive_quantiles_of_the_raw_scores(raw: list[int]):
    cuts = quartiles(distribution_of(raw))
    assert [cuts.q1, cuts.median, cuts.q3] == statistics.quantiles(raw, n=4, method="inclusive")
    assert cuts.median == statistics.median(raw)


@given(raw=some_scores)
def test_quartiles_equal_the_definition_on_the_sorted_list(raw: list[int]):
    ordered = sorted(raw)

    def quantile(p: float) -> float:
        h = (len(ordered) - 1) * p  # exact: p is a multiple of 1/4
        low, high = ordered[int(h)], ordered[min(int(h) + 1, len(ordered) - 1)]
        return low + (h - int(h)) * (high - low)

    cuts = quartiles(distribution_of(raw))
    assert (cuts.q1, cuts.median, cuts.q3) == (quantile(0.25), quantile(0.5), quantile(0.75))


@given(raw=some_scores)
def test_the_mean_has_one_decimal(raw: list[int]):
    value = mean(distribution_of(raw))
    assert abs(value - statistics.fmean(raw)) <= 0.05 + 1e-9
    assert value == round(value, 1)


@pytest.mark.parametrize("wrong", [-1, 101])
def test_scores_outside_the_scale_are_refused(wrong: int):
    with pytest.raises(ValueError, match="outside"):
        distribution_of([50, wrong])


@pytest.mark.parametrize("statistic", [mean, quartiles])
def test_nothing_has_no_statistics(statistic: Callable[[Distribution], object]):
    with pytest.raises(ValueError, match="empty"):
        statistic(EMPTY)
