"""Histograms lose nothing: they merge in any order, and quartiles equal those of the raw scores."""

import math
import statistics
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.reporting.trends.distributions import (
    CELLS,
    Histograms,
    pack,
    quartile_rows,
    sums,
    unpack,
)

scores = st.lists(st.integers(0, 100), max_size=80)


def histograms(*raw: list[int]) -> Histograms:
    return np.array([np.bincount(np.array(row, int), minlength=CELLS) for row in raw])


@settings(deadline=None)
@given(raw=st.lists(scores, max_size=4))
def test_what_is_stored_says_the_same(raw: list[list[int]]):
    rows = histograms(*raw).reshape(len(raw), CELLS)
    blobs = pack(rows)
    assert blobs == [struct.pack("<101i", *row) for row in rows.tolist()]
    assert unpack(blobs).tolist() == rows.tolist()


@pytest.mark.parametrize("blob", [b"", bytes(403), bytes(408)])
def test_other_lengths_are_refused(blob: bytes):
    with pytest.raises(ValueError, match=r"reshape|size"):
        unpack([blob])


@settings(deadline=None)
@given(a=scores, b=scores, c=scores)
def test_merging_in_any_order_equals_counting_everything(a: list[int], b: list[int], c: list[int]):
    one, two, three = histograms(a, b, c)
    (whole,) = histograms(a + b + c)
    assert ((one + two) + three).tolist() == whole.tolist() == (three + one + two).tolist()


@settings(deadline=None)
@given(raw=st.lists(scores, min_size=1, max_size=4))
def test_the_sums_are_those_of_the_scores(raw: list[list[int]]):
    n, total, squares = sums(histograms(*raw))
    assert n.tolist() == [len(row) for row in raw]
    assert total.tolist() == [sum(row) for row in raw]
    assert squares.tolist() == [sum(score * score for score in row) for row in raw]


@settings(deadline=None)
@given(raw=st.lists(st.integers(0, 100), min_size=2, max_size=80))
def test_quartiles_equal_the_inclusive_quantiles_of_the_raw_scores(raw: list[int]):
    (cuts,) = quartile_rows(histograms(raw)).tolist()
    assert cuts == statistics.quantiles(raw, n=4, method="inclusive")
    assert cuts[1] == statistics.median(raw)


@settings(deadline=None)
@given(raw=st.lists(scores, min_size=1, max_size=4))
def test_quartiles_of_many_rows_equal_those_of_numpy(raw: list[list[int]]):
    for row, cuts in zip(raw, quartile_rows(histograms(*raw)).tolist(), strict=True):
        if row:
            assert cuts == np.quantile(row, [0.25, 0.5, 0.75]).tolist()
        else:
            assert all(math.isnan(cut) for cut in cuts)
