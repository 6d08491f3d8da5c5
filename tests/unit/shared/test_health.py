"""What probes answer: the loop decides about life, the parts about readiness."""

import asyncio
import re
import socket
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from shared.health import lag, readiness
from shared.health.probes import nats_probe, temporal_probe
from shared.health.readiness import Readiness
from shared.health.server import HealthApp, health_server
from shared.health.state import Health
from shared.telemetry import metrics
from shared.telemetry.running import LoopWatch
from tests.support.waiting import eventually


class Part:
    """A part of a system that answers, breaks or hangs."""

    def __init__(self) -> None:
        self.asked = 0
        self.fault: BaseException | None = None
        self.hangs = asyncio.Event()
        self.hangs.set()

    async def ask(self) -> None:
        self.asked += 1
        await self.hangs.wait()
        if self.fault is not None:
            raise self.fault


@pytest.fixture
def part(monkeypatch: pytest.MonkeyPatch) -> Part:
    monkeypatch.setattr(readiness, "PATIENCE_S", 0.05)
    monkeypatch.setattr(readiness, "CACHE_S", 0.0)
    return Part()


@pytest.fixture
async def health(part: Part) -> AsyncIterator[Health]:
    made = Health(asyncio.Event())
    made.lag.start()
    made.watch("database", part.ask)
    yield made
    await made.close()


@pytest.fixture
async def client(health: Health) -> AsyncIterator[httpx.AsyncClient]:
    app = HealthApp(health, lambda: b"rapport_up 1\n")
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://probe"
    ) as opened:
        yield opened


async def test_a_verdict_counts_for_a_moment_and_many_ask_at_once(
    part: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "CACHE_S", 60.0)
    ready = Readiness({"database": part.ask})
    assert await asyncio.gather(*(ready.missing() for _ in range(50))) == [()] * 50
    assert part.asked == 1


async def test_a_broken_part_is_named_and_comes_back(part: Part) -> None:
    other = Part()
    ready = Readiness({"database": part.ask, "nats": other.ask})
    assert await ready.missing() == ()
    part.fault = OSError("gone")
    assert await ready.missing() == ("database",)
    part.fault = None
    assert await ready.missing() == ()


async def test_a_hanging_part_costs_its_patience_once_and_is_asked_once(part: Part) -> None:
    ready = Readiness({"database": part.ask})
    part.hangs.clear()
    started = time.monotonic()
    assert [await ready.missing() for _ in range(4)] == [("database",)] * 4
    assert time.monotonic() - started < 2
    assert part.asked == 1, "no second question while the first is open"
    part.hangs.set()
    await asyncio.sleep(0)
    assert await ready.missing() == ()
    part.hangs.clear()
    await ready.missing()
    await ready.close()


async def test_an_answer_that_came_too_late_says_nothing_about_now(part: Part) -> None:
    ready = Readiness({"database": part.ask})
    part.hangs.clear()
    assert await ready.missing() == ("database",)
    part.hangs.set()
    await asyncio.sleep(0)  # it answers the old question, and then it dies
    part.fault = OSError("gone")
    assert await ready.missing() == ("database",)
    assert part.asked == 2
    await ready.close()


async def test_starting_ready_stopping(part: Part) -> None:
    stop = asyncio.Event()
    health = Health(stop)
    health.watch("database", part.ask)
    assert await health.missing() == ("start",)
    assert part.asked == 0
    health.begin()
    assert await health.missing() == ()
    stop.set()
    assert await health.missing() == ("stop",)
    await health.close()


async def test_a_dead_part_is_red_for_readiness_and_nothing_to_life(
    health: Health, part: Part, client: httpx.AsyncClient
) -> None:
    health.begin()
    assert (await client.get("/readyz")).json() == {"status": "ok", "missing": []}
    part.fault = OSError("gone")
    red = await client.get("/readyz")
    assert (red.status_code, red.json()["missing"]) == (503, ["database"])
    assert (await client.get("/livez")).status_code == 200


async def test_a_loop_that_stood_still_is_not_alive(
    health: Health, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lag, "TICK_S", 0.01)
    monkeypatch.setattr("shared.health.state.STUCK_S", 0.2)
    health.lag.stop()
    health.lag.start()
    assert (await client.get("/livez")).json()["status"] == "ok"
    time.sleep(0.3)  # noqa: ASYNC251  (what is tested: nothing else can run meanwhile)
    red = await client.get("/livez")
    assert (red.status_code, red.json()["status"]) == (503, "stuck")
    assert red.json()["loop_lag_ms"] >= 200
    await eventually(lambda: health.lag.seconds < 0.1)
    assert (await client.get("/livez")).status_code == 200


async def test_the_other_answers(client: httpx.AsyncClient) -> None:
    shown = await client.get("/metrics")
    assert shown.text == "rapport_up 1\n"
    assert shown.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert (await client.get("/elsewhere")).status_code == 404
    assert (await client.post("/livez")).status_code == 405
    head = await client.head("/livez")
    assert (head.status_code, head.content) == (200, b"")


async def test_it_is_served_on_a_port_and_a_taken_one_is_an_error(health: Health) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    async with health_server(health, "127.0.0.1", port, lambda: b""):
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as over_tcp:
            assert (await over_tcp.get("/livez")).status_code == 200
            assert (await over_tcp.get("/readyz")).json()["missing"] == ["start"]
        with pytest.raises(OSError, match="in use"):
            async with health_server(health, "127.0.0.1", port, lambda: b""):
                pass


async def test_probes_raise_for_what_does_not_serve() -> None:
    class Away:
        is_connected = False
        service_client: "Away"

        async def check_health(self, *, timeout: object = None) -> bool:
            return False

    away = Away()
    away.service_client = away
    with pytest.raises(ConnectionError):
        await nats_probe(away)()
    with pytest.raises(ConnectionError):
        await temporal_probe(away)()


async def test_one_timer_tells_everybody_who_listens(health: Health) -> None:
    heard: dict[str, list[float]] = {"slow": [], "quick": []}
    watched = health.lag.listen(heard["slow"].append)
    hurried = health.lag.listen(heard["quick"].append, every_s=0.01)  # it does not wait for a tick
    await eventually(lambda: len(heard["quick"]) > 2)
    time.sleep(0.2)  # noqa: ASYNC251  (as above)
    await eventually(lambda: max(heard["quick"]) >= 0.15)
    assert heard["slow"] == heard["quick"]
    hurried()
    count = len(heard["quick"])
    await eventually(lambda: len(heard["slow"]) > count)
    assert len(heard["quick"]) == count
    watched()


async def test_the_worst_lag_since_the_last_look_is_shown(health: Health) -> None:
    metrics.begin(with_process=False)
    watch = LoopWatch(health.lag)
    watch.start()
    try:
        hurried = health.lag.listen(lambda _late: None, every_s=0.01)
        time.sleep(0.2)  # noqa: ASYNC251  (as above)
        seen: list[float] = []

        def look() -> bool:
            found = re.search(
                r"^event_loop_lag_seconds (\S+)$", metrics.exposition().decode(), re.MULTILINE
            )
            seen.append(0.0 if found is None else float(found[1]))
            return seen[-1] >= 0.15

        await eventually(look)
        await eventually(lambda: not look() and seen[-1] < 0.15)
        hurried()
    finally:
        watch.stop()
        metrics.end()


async def test_a_process_that_does_not_count_has_no_watch(health: Health) -> None:
    LoopWatch(health.lag).start()
    assert health.lag.listeners == 0
