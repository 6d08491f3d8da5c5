"""Counting durations in buckets: percentiles are right to within a tenth, and sums add up."""

import random
from uuid import UUID

import pytest

from shared.load.histogram import BUCKETS, bucket_of, merged, middle_of, percentile
from shared.load.meter import LoadMeter
from shared.telemetry.measures import Measure

TENANT = UUID(int=7)


def _counted(durations: list[float]) -> list[int]:
    histogram = [0] * BUCKETS
    for each in durations:
        histogram[bucket_of(each)] += 1
    return histogram


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
def test_percentiles_are_right_to_within_a_tenth(seed: int, share: float) -> None:
    source = random.Random(seed)
    durations = sorted(source.lognormvariate(-1, 1.5) for _ in range(2000))
    real = durations[max(round(len(durations) * share) - 1, 0)]
    assert percentile(_counted(durations), share) == pytest.approx(real, rel=0.1)


def test_every_duration_has_a_bucket() -> None:
    for seconds in (-1.0, 0.0, 1e-9, 0.001, 0.00101, 1.0, 3600.0, 1e9):
        assert 0 <= bucket_of(seconds) < BUCKETS
    assert bucket_of(0.001) == 0
    assert bucket_of(1e9) == BUCKETS - 1
    for bucket in range(BUCKETS - 1):
        assert bucket_of(middle_of(bucket)) == bucket


def test_histograms_of_different_lengths_add_up() -> None:
    assert merged([[1, 2], [], [0, 1, 5]]) == [1, 3, 5]
    assert percentile([], 0.5) is None
    assert percentile([0, 0], 0.5) is None


def test_what_could_not_be_stored_is_counted_again() -> None:
    meter = LoadMeter()
    meter.note(Measure("turn", TENANT, 1.0))
    lost = meter.take()
    meter.note(Measure("turn", TENANT, 2.0, "failed"))
    meter.put_back(lost)
    meter.put_back(LoadMeter().take())
    batch = meter.take()
    (cell,) = batch.cells.values()
    assert cell.outcomes == [1, 0, 1]
    assert sum(cell.buckets) == 2
    assert meter.take().cells == {}


def test_a_database_that_is_away_costs_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.load.meter.MAX_CELLS", 3)
    meter = LoadMeter()
    for number in range(10):
        meter.note(Measure("turn", UUID(int=number), 1.0))
        meter.note(Measure("turn", UUID(int=0), 1.0))
    cells = meter.take().cells
    assert len(cells) == 3
    assert cells[UUID(int=0), "turn"].outcomes[0] == 11
