"""Counting: bounded series, tenants that come and go, and nothing at all when it is off. [R-D2]."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from prometheus_client.parser import text_string_to_metric_families

from shared.config import load
from shared.ids import format_id
from shared.telemetry import catalog, measures, metrics, running, tenants
from shared.telemetry.measures import Measure, note
from shared.telemetry.running import count
from shared.telemetry.tenants import OTHER, TOP, TURNOVER_S, TopTenants

BUDGET = 1000
"""Series of tenants in one process: 51 labels by kinds, outcomes and the like."""

SETTINGS = {
    "RAPPORT_DATABASE_URL": "postgresql://u:hidden@h/d",
    "RAPPORT_NATS_URL": "nats://h",
    "RAPPORT_MASTER_KEY": "k",
}
"""A process with nothing but what it must have."""


class Ticking:
    """A monotonic clock that stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def counting() -> Iterator[None]:
    metrics.begin(with_process=False)
    yield
    metrics.end()


@pytest.fixture
def clock() -> Ticking:
    return Ticking()


@pytest.fixture
def top(clock: Ticking) -> Iterator[TopTenants]:
    ranking = tenants.begin(clock, metrics.forget_tenant)
    stop = measures.listen(lambda measure: count(measure, ranking))
    yield ranking
    stop()
    tenants.end()


def tenant(number: int) -> UUID:
    """Return the tenant of a number."""
    return UUID(int=number + 1)


def series() -> dict[str, float]:
    """Return what is shown now: values by sample and labels."""
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in text_string_to_metric_families(metrics.exposition().decode())
        for sample in family.samples
    }


@pytest.mark.usefixtures("counting")
class TestTenants:
    def test_ten_thousand_tenants_stay_in_the_budget_whoever_is_on_top(
        self, clock: Ticking, top: TopTenants
    ) -> None:
        for minute in range(6):
            for number in range(10_000):
                for kind in ("request", "turn", "scoring"):
                    note(Measure(kind, tenant((number + minute * 1000) % 10_000), 0.1))
            for big in range(minute * 30, minute * 30 + 60):
                for _ in range(20):
                    note(Measure("turn", tenant(big), 0.1, "failed"))
                catalog.LLM_COST.add(tenants.label_of(tenant(big)), by=0.01)
            clock.now += TURNOVER_S
            shown = series()
            labels = {each for each in shown if "tenant_top" in each}
            assert len(labels) <= BUDGET
        named = {each.split("ten_")[1][:26] for each in series() if "ten_" in each}
        assert 0 < len(named) <= TOP
        assert top.label(tenant(9_999)) == OTHER

    def test_a_tenant_that_becomes_big_gets_a_label_and_a_small_one_loses_it(
        self, clock: Ticking, top: TopTenants
    ) -> None:
        for number in range(TOP):
            top.label(tenant(number))
        late = tenant(TOP)
        assert top.label(late) == OTHER
        catalog.WORK.add("turn", "ok", format_id("ten", tenant(0)))
        for number in range(1, TOP):
            top.label(tenant(number))
        for _ in range(50):
            top.label(late)
        clock.now += TURNOVER_S
        assert top.label(late) == format_id("ten", late)
        assert top.known(tenant(0)) == OTHER
        assert not any(format_id("ten", tenant(0)) in each for each in series())

    def test_labels_do_not_flap_between_equals(self, clock: Ticking, top: TopTenants) -> None:
        for _ in range(5):
            for number in range(TOP + 20):
                top.label(tenant(number))
            clock.now += TURNOVER_S
        assert {top.known(tenant(number)) for number in range(TOP)}.isdisjoint({OTHER})

    def test_work_is_counted_by_kind_outcome_and_tenant(self, top: TopTenants) -> None:
        assert top.known(tenant(1)) == OTHER
        note(Measure("webhook", tenant(1), 3.0))
        note(Measure("webhook", tenant(1), 7.0, "failed"))
        shown = series()
        label = format_id("ten", tenant(1))
        for outcome in ("ok", "failed"):
            labels = [("kind", "webhook"), ("outcome", outcome), ("tenant_top", label)]
            assert shown[f"work_total{labels}"] == 1
        assert shown["webhook_first_attempt_delay_seconds_bucket[('le', '5.0')]"] == 1
        assert shown["webhook_first_attempt_delay_seconds_count[]"] == 2


@pytest.mark.usefixtures("counting")
class TestFamilies:
    def test_a_metric_is_shown_from_its_first_use_on(self) -> None:
        assert series() == {}
        catalog.RLS_DENIED.add()
        assert series() == {"rls_denied_total[]": 1.0}

    def test_a_block_counts_while_it_runs_whatever_happens(self) -> None:
        def work() -> None:
            with catalog.HTTP_IN_FLIGHT.one_more():
                assert series() == {"http_server_requests_in_flight[]": 1.0}
                raise RuntimeError

        with pytest.raises(RuntimeError):
            work()
        assert series() == {"http_server_requests_in_flight[]": 0.0}

    def test_a_gauge_that_is_replaced_forgets_what_is_gone(self) -> None:
        catalog.OPERATIONS_IN_FLIGHT.replace({("turn", "a"): 2.0, ("turn", "b"): 1.0}, "turn")
        catalog.OPERATIONS_IN_FLIGHT.replace({("score", "a"): 4.0}, "score")
        catalog.OPERATIONS_IN_FLIGHT.replace({("turn", "b"): 3.0}, "turn")
        assert set(series().values()) == {3.0, 4.0}

    def test_a_scrape_may_drop_what_the_loop_drops_as_well(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gauge = catalog.OPERATIONS_IN_FLIGHT
        gauge.replace({("turn", "a"): 2.0, ("turn", "b"): 1.0}, "turn")

        class Raced(dict[tuple[str, ...], Any]):
            """Right after the scrape's look, the loop drops a tenant."""

            def __iter__(self) -> Iterator[tuple[str, ...]]:
                found = [*self.keys()]
                monkeypatch.setattr(gauge, "_children", dict(self))
                metrics.forget_tenant("a")
                left = gauge._children
                monkeypatch.setattr(gauge, "_children", self)
                for gone in self.keys() - left.keys():
                    del self[gone]
                return iter(found)

        monkeypatch.setattr(gauge, "_children", Raced(gauge._children))
        gauge.replace({("turn", "b"): 3.0}, "turn")
        assert set(series().values()) == {3.0}

    def test_gauges_are_set_when_somebody_looks(self) -> None:
        stop = metrics.before_showing(lambda: catalog.LOOP_LAG.set(0.25))
        assert series() == {"event_loop_lag_seconds[]": 0.25}
        stop()
        catalog.LOOP_LAG.set(0.5)
        assert series() == {"event_loop_lag_seconds[]": 0.5}

    def test_names_follow_the_conventions(self) -> None:
        for name, metric in catalog.METRICS.items():
            assert name.endswith("_total") == (metric.kind == "counter"), name
            assert metric.labels.count(metrics.TENANT) <= 1
            assert metrics.TENANT not in metric.labels[:-1], "it must be the last one"
            assert metric.meaning


class TestProcess:
    def test_what_an_alert_waits_for_the_first_of_begins_at_nought(self) -> None:
        stop = running.start(load({**SETTINGS, "RAPPORT_HEALTH_PORT": "9100"}), "api")
        try:
            assert series()["rls_denied_total[]"] == 0
        finally:
            stop()


class TestOff:
    def test_nothing_is_shown_and_nothing_is_kept(self) -> None:
        catalog.WORK.add("turn", "ok", "x")
        catalog.LOOP_LAG.set(1.0)
        assert (metrics.exposition(), metrics.is_on()) == (b"", False)
        metrics.begin(with_process=False)
        assert series() == {}
        metrics.end()

    def test_neither_library_is_imported(self) -> None:
        code = (
            "import sys, shared.process, shared.telemetry.catalog\n"
            "from shared.telemetry import catalog, trace\n"
            "catalog.RLS_DENIED.add()\n"
            "with trace.span('x') as span: span.set('a', 1)\n"
            "bad = {'prometheus_client', 'opentelemetry'} & sys.modules.keys()\n"
            "sys.exit(repr(bad) if bad else 0)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
