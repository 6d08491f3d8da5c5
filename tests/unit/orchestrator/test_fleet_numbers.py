"""The fleet's numbers grow old: what is shown by an orchestrator that looks no more."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.service import RPCError, RPCStatusCode
from typing_extensions import override

from services.orchestrator import fleet
from services.orchestrator.fleet import FleetWatch
from services.orchestrator.queues import TemporalWatch
from shared.clock import FixedClock
from shared.telemetry import catalog, metrics
from tests.support.waiting import eventually

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Temporal:
    """Answers how long its queues are, and counts questions; or hangs, or is away."""

    namespace = "rapport"

    def __init__(self) -> None:
        self.asked = 0
        self.is_away = False
        self.goes_on = asyncio.Event()
        self.goes_on.set()

    @property
    def workflow_service(self) -> "Temporal":
        return self

    async def describe_task_queue(self, *_: Any, **__: Any) -> Any:
        self.asked += 1
        await self.goes_on.wait()
        if self.is_away:
            raise RPCError("away", RPCStatusCode.UNAVAILABLE, b"")
        stats = type("Stats", (), {"approximate_backlog_count": 7})
        return type("Described", (), {"stats": stats})


@pytest.fixture
def counting() -> Iterator[None]:
    metrics.begin(with_process=False)
    yield
    metrics.end()


def shown() -> set[str]:
    """Return the names of what Prometheus would read."""
    lines = metrics.exposition().decode().splitlines()
    return {line.split("{")[0].split(" ")[0] for line in lines if line[0] != "#"}


class Looking(FleetWatch):
    """Looks without a database; or hangs."""

    def __init__(self, clock: FixedClock) -> None:
        super().__init__(None, TemporalWatch(Temporal()), clock)  # type: ignore[arg-type]  # unused
        self.hangs = False
        self.given_up = 0

    @override
    async def look(self) -> None:
        if self.hangs:
            try:
                await asyncio.Event().wait()
            finally:
                self.given_up += 1
        for metric in fleet.SHOWN:
            metric.set(3, *("x" for _ in metric.labels))
        self.looked()


@pytest.mark.usefixtures("counting")
async def test_old_numbers_go_and_the_time_of_the_last_look_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fleet, "PERIOD_S", 0.01)
    monkeypatch.setattr(fleet, "LOOK_S", 0.05)
    clock = FixedClock(NOW)
    watch = Looking(clock)
    names = {metric.name for metric in fleet.SHOWN}
    task = asyncio.create_task(watch.run())
    try:
        await eventually(lambda: names <= shown())
        watch.hangs = True
        await eventually(lambda: watch.given_up > 1)  # it tries again and again
        clock.at = NOW + timedelta(seconds=fleet.STALE_S - 1)
        assert names <= shown()
        clock.at = NOW + timedelta(seconds=fleet.STALE_S + 1)
        assert shown() == {catalog.FLEET_LOOK.name}
        watch.hangs = False
        await eventually(lambda: names <= shown())
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    catalog.JOBS.set(1, "turn", "waiting")
    clock.at += timedelta(days=1)
    assert catalog.JOBS.name in shown()  # who has ended forgets nothing


async def test_all_who_ask_share_one_answer() -> None:
    temporal = Temporal()
    watch = TemporalWatch(temporal)  # type: ignore[arg-type]  # answers the one question
    temporal.goes_on.clear()
    both = [asyncio.create_task(watch.facts()) for _ in range(2)]
    await eventually(lambda: temporal.asked == 1)
    temporal.goes_on.set()
    first, second = await asyncio.gather(*both)
    assert first == second == {
        "temporal_answers": 1, "temporal_workflow_tasks": 7, "temporal_activity_tasks": 7,
    }  # fmt: skip
    assert temporal.asked == 2  # once for each kind of task


async def test_an_answer_is_good_for_a_while_also_when_there_is_none() -> None:
    temporal = Temporal()
    temporal.is_away = True
    kept = TemporalWatch(temporal)  # type: ignore[arg-type]  # as above
    for _ in range(3):
        assert await kept.facts() == {"temporal_answers": 0}
    assert temporal.asked == 1
    fresh = TemporalWatch(temporal, kept_s=0)  # type: ignore[arg-type]  # as above
    for _ in range(3):
        await fresh.facts()
    assert temporal.asked == 4
