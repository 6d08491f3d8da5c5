"""Group `llm_batch`: autopilot conversations whose every reply a model words."""

import asyncio
import time
from pathlib import Path
from typing import Any, Final

import uvloop

from infra.bench.endpoint import ScriptedEndpoint, scripted_endpoint
from infra.bench.http import Connection
from infra.bench.product import ProductError, cpu_s, descendants, running
from infra.bench.resting import new_learner, quiet, settled
from infra.bench.rows import Report
from infra.supervisor import UpFile

LATENCY_MS: Final = 50.0
"""Of the endpoint: of each answer, however many are in flight."""

IN_FLIGHT: Final = 50
"""Calls at once: a tenant's cap, and the conversations that a worker plays at once."""

SCENARIOS: Final = (
    "fraud-defensive-trading-friend",
    "fraud-suspicious-no-service",
    "support-confused-two-meters",
    "collections-nervous-power-bill",
)
"""In these a skilled learner gets about seven replies."""

CONVERSATIONS: Final = 200
WARM: Final = 48
"""Of a first batch: connections, caches, first plans."""

LEAST_CALLS: Final = 6 * CONVERSATIONS
"""With fewer than this, something else was measured."""

POLL_S: Final = 0.1
PATIENCE_S: Final = 300.0


def run(report: Report, data_dir: Path) -> None:
    """Measure the group."""
    with scripted_endpoint(LATENCY_MS) as endpoint:
        environment = {**endpoint.environment(), "RAPPORT_LOG_LEVEL": "warning"}
        with running(data_dir, environment) as (up, _):
            uvloop.run(_measure(report, up, endpoint))


async def _measure(report: Report, up: UpFile, endpoint: ScriptedEndpoint) -> None:
    learner = await new_learner(up)
    pids = descendants(up.pids["supervisor"])
    await _play(up, learner, WARM, seed=1000)
    await settled(up)
    await quiet(pids)
    endpoint.clear()
    before = cpu_s(pids)
    wall_s = await _play(up, learner, CONVERSATIONS, seed=0)
    await settled(up)
    used_s = cpu_s(pids) - before
    counts = endpoint.counts()
    calls: int = counts["requests"]
    if calls < LEAST_CALLS:
        raise ProductError(f"only {calls} lines were worded by the model")
    ideal_s = calls * LATENCY_MS / 1000 / IN_FLIGHT
    report.add("llm.batch_calls", calls, "")
    report.add("llm.batch_in_flight", counts["most_in_flight"], "")
    report.add("llm.batch_wall_x_ideal", wall_s / ideal_s, "x", 2.5)
    report.add("llm.batch_cpu_ms_per_call", 1000 * used_s / calls, "ms", 5)


async def _play(up: UpFile, learner: str, count: int, seed: int) -> float:
    """Have a batch played; return the seconds from the request to its end."""
    connection = await Connection.open(up.api_url, up.api_key)
    body: dict[str, Any] = {
        "learner_id": learner,
        "scenarios": list(SCENARIOS),
        "profiles": ["skilled"],
        "repeat": count // len(SCENARIOS),
        "seed": seed,
        "score": False,
    }
    started = time.perf_counter()
    batch = await connection.post("/v1/simulation_batches", body, expected=202)
    while True:
        _, operation = await connection.request("GET", f"/v1/operations/{batch['id']}")
        taken_s = time.perf_counter() - started
        if operation["ended_at"] is not None:
            break
        if taken_s > PATIENCE_S:
            raise ProductError(f"not played after {PATIENCE_S} s: {operation}")
        await asyncio.sleep(POLL_S)
    if operation["progress"].get("failed"):
        raise ProductError(f"not all were played: {operation}")
    return taken_s
