"""Group `telemetry`: what watching costs, and how many series ten thousand tenants make."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any
from urllib.request import urlopen
from uuid import UUID

import msgspec
import uvloop
from typing_extensions import override

from infra.bench.http import Connection
from infra.bench.product import cpu_s, descendants, running
from infra.bench.resting import new_learner, quiet, settled
from infra.bench.rows import Report
from infra.bench.turns import LINES, SCENARIO
from infra.supervisor import SERVICES, UpFile
from shared.telemetry import catalog, measures, metrics, tenants
from shared.telemetry.measures import Measure
from shared.telemetry.running import count

ROUNDS = 5
"""Pairs of measurements; the middle ratio counts, because the machine is never quiet."""

CONVERSATIONS = 80
AT_ONCE = 10
TURNS = 6

TENANTS = 10_000

MOST_RATIO = 1.05
MOST_SERIES = 20_000

STATUSES = ("2xx", "4xx", "5xx", "none")

WORK: dict[str, tuple[measures.Kind, ...]] = {
    "api": ("request", "model_call"),
    "orchestrator": ("scoring", "webhook", "turn"),
    "reporting": ("report",),
    "scoring-worker": ("scoring", "model_call"),
    "sim-worker": ("turn", "model_call"),
}
"""What each service notes."""

OPENAPI = Path(__file__).parents[2] / "docs" / "openapi.json"

QUIET = {"RAPPORT_LOG_LEVEL": "warning"}

OFF = {"RAPPORT_METRICS": "false", "RAPPORT_OTLP_ENDPOINT": ""}


def run(report: Report, data_dir: Path) -> None:
    """Measure the group."""
    with _collector() as url:
        watched = QUIET | {"RAPPORT_METRICS": "true", "RAPPORT_OTLP_ENDPOINT": url}
        with (
            running(data_dir / "on", watched) as (on, _),
            running(data_dir / "off", QUIET | OFF) as (off, _),
        ):
            ratios, costs = uvloop.run(_compare(on, off))
            shown = sum(_series(_scrape(on, service)) for service in SERVICES)
    report.add("ops.telemetry_cpu_ratio", median(ratios), "x", MOST_RATIO)
    report.add("ops.telemetry_off_cpu_ms_per_turn", median(costs), "ms")
    report.add("ops.metric_series_10k_tenants", shown + _many_tenants(), "series", MOST_SERIES)


async def _compare(on: UpFile, off: UpFile) -> tuple[list[float], list[float]]:
    """Return how much more a turn costs when it is watched, and its milliseconds when not."""
    learners = {up.api_url: await new_learner(up) for up in (on, off)}
    for up in (on, off):  # connections, caches, first plans
        await _cost_ms(up, learners[up.api_url])
    ratios, costs = [], []
    for number in range(ROUNDS):
        order = (on, off) if number % 2 else (off, on)
        cost = {up.api_url: await _cost_ms(up, learners[up.api_url]) for up in order}
        ratios.append(cost[on.api_url] / cost[off.api_url])
        costs.append(cost[off.api_url])
    return ratios, costs


async def _cost_ms(up: UpFile, learner: str) -> float:
    """Return the processor time of all processes of the product for one turn."""
    pids = descendants(up.pids["supervisor"])
    conversations = [await _open(up, learner, seed) for seed in range(CONVERSATIONS)]
    await settled(up)
    await quiet(pids)
    before = cpu_s(pids)
    places = asyncio.Semaphore(AT_ONCE)
    said = await asyncio.gather(*(_talk(*one, places) for one in conversations))
    await settled(up)
    return 1000 * (cpu_s(pids) - before) / sum(said)


async def _open(up: UpFile, learner: str, seed: int) -> tuple[Connection, str]:
    connection = await Connection.open(up.api_url, up.api_key)
    body = {"scenario": SCENARIO, "learner_id": learner, "mode": "interactive", "seed": seed}
    return connection, (await connection.post("/v1/simulations", body, 201))["id"]


async def _talk(connection: Connection, simulation: str, places: asyncio.Semaphore) -> int:
    """Have a conversation; return how many turns it had."""
    path = f"/v1/simulations/{simulation}/turns"
    async with places:
        for number in range(TURNS):
            body = {"text": LINES[number % len(LINES)], "expected_seq": 2 * number}
            answer = await connection.post(path, body, 200)
            if answer["simulation"]["status"] != "open":
                return number + 1
    return TURNS


def _scrape(up: UpFile, service: str) -> str:
    with urlopen(f"http://127.0.0.1:{up.health_ports[service]}/metrics", timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def _series(exposition: str) -> int:
    return sum(1 for line in exposition.splitlines() if line and not line.startswith("#"))


def _many_tenants() -> int:
    """Return the series of all processes with ten thousand tenants and every route in use.

    Counted in this process, for one service after the other: ten thousand real tenants would need
    a day to be busy.
    """
    return sum(_series_of(kinds, is_api="request" in kinds) for kinds in WORK.values())


def _series_of(kinds: tuple[measures.Kind, ...], *, is_api: bool) -> int:
    metrics.begin(with_process=False)
    now = 0.0
    top = tenants.begin(lambda: now, metrics.forget_tenant)
    unlisten = measures.listen(lambda measure: count(measure, top))
    for _ in range(3):
        for number in range(TENANTS):
            _busy(UUID(int=number + 1), kinds)
        now += tenants.TURNOVER_S
    if is_api:
        _all_routes()
    found = _series(metrics.exposition().decode())
    unlisten()
    tenants.end()
    metrics.end()
    return found


def _busy(tenant_id: UUID, kinds: tuple[measures.Kind, ...]) -> None:
    """Do everything of these kinds that is counted by tenant."""
    outcomes: tuple[measures.Outcome, ...] = ("ok", "refused", "failed")
    for kind in kinds:
        for outcome in outcomes:
            measures.note(Measure(kind, tenant_id, 0.1, outcome))
    label = tenants.label_of(tenant_id)
    if "request" in kinds:
        for status_class in STATUSES:
            catalog.TENANT_REQUESTS.add(status_class, label)
    else:
        catalog.OPERATIONS_IN_FLIGHT.set(1, kinds[0], label)
    if "model_call" in kinds:
        catalog.LLM_COST.add(label)
        for direction in ("input", "output"):
            for model in ("own", "one", "two"):
                catalog.LLM_TOKENS.add(direction, model, label)


def _all_routes() -> None:
    document = msgspec.json.decode(OPENAPI.read_bytes())
    for route, item in document["paths"].items():
        for method in item.keys() & {"get", "post", "put", "patch", "delete"}:
            for status_class in ("2xx", "4xx"):
                catalog.HTTP_SECONDS.observe(0.1, route, method.upper(), status_class)


@contextmanager
def _collector() -> Iterator[str]:
    """Take what a collector would take, and forget it."""

    class _Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        @override
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
