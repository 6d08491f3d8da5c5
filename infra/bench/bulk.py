"""Group `bulk`: what a conversation costs when a thousand come in one request."""

import asyncio
import time
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import uvloop

from infra.bench.http import Connection
from infra.bench.product import ProductError, cpu_s, descendants, running
from infra.bench.resting import new_learner, quiet
from infra.bench.rows import Report
from infra.supervisor import UpFile
from services.sim_worker.engine.playing import play_profile
from shared.intake.limits import MAX_BATCH
from shared.library import load_scenarios

WARM = 100
"""Conversations of a first request: connections, caches, first plans."""

TURNS = 20
"""Of each conversation; shorter ones are left out."""

POLL_S = 0.5
PATIENCE_S = 300.0


def run(report: Report, data_dir: Path) -> None:
    """Measure the group."""
    spoken = _spoken()
    with running(data_dir, {"RAPPORT_LOG_LEVEL": "warning"}) as (up, _):
        uvloop.run(_measure(report, up, spoken))


async def _measure(report: Report, up: UpFile, spoken: list[list[dict[str, str]]]) -> None:
    learner = await new_learner(up)
    pids = descendants(up.pids["supervisor"])
    await _send(up, _conversations(learner, spoken, WARM))
    await quiet(pids)
    conversations = _conversations(learner, spoken, MAX_BATCH)
    before = cpu_s(pids)
    accepted_s, scored_s = await _send(up, conversations)
    await quiet(pids)
    used = cpu_s(pids) - before
    report.add("scoring.bulk_accept_s", accepted_s, "s")
    report.add("scoring.bulk_per_s", MAX_BATCH / scored_s, "1/s")
    report.add("scoring.bulk_cpu_ms", 1000 * used / MAX_BATCH, "ms", 25)


async def _send(up: UpFile, conversations: list[Any]) -> tuple[float, float]:
    """Hand in and wait for the last score; return seconds until the answer, and until then."""
    connection = await Connection.open(up.api_url, up.api_key)
    started = time.perf_counter()
    batch = await connection.post(
        "/v1/scoring_batches", {"conversations": conversations}, expected=202
    )
    accepted_s = time.perf_counter() - started
    if batch["accepted"] != len(conversations):
        raise ProductError(f"{batch['accepted']} of {len(conversations)} were accepted")
    while True:
        # The list of outcomes is long: looking often would be measured as the product's work.
        await asyncio.sleep(POLL_S)
        _, operation = await connection.request("GET", f"/v1/operations/{batch['id']}")
        taken_s = time.perf_counter() - started
        if operation["ended_at"] is not None:
            break
        if taken_s > PATIENCE_S:
            raise ProductError(f"not scored after {PATIENCE_S} s: {operation}")
    if operation["progress"]["scored"] != len(conversations):
        raise ProductError(f"not all were scored: {operation}")
    return accepted_s, taken_s


def _spoken() -> list[list[dict[str, str]]]:
    """Return conversations of decent learners with simulated customers."""
    traces = (
        play_profile(scenario, profile, seed=seed)
        for scenario in load_scenarios()
        for profile in ("skilled", "average")
        for seed in (1, 2)
    )
    lines = (trace.lines() for trace in traces)
    return [
        [{"role": line.role, "text": line.text} for line in each[:TURNS]]
        for each in lines
        if len(each) >= TURNS
    ]


def _conversations(learner: str, spoken: list[list[dict[str, str]]], count: int) -> list[Any]:
    """Return `count` conversations of which no two turns are the same: caches must not help."""
    return [
        {
            "learner_id": learner,
            "conversation": {
                "source": "call",
                "turns": [{**turn, "text": f"{turn['text']} {count}-{number}"} for turn in turns],
            },
        }
        for number, turns in enumerate(islice(cycle(spoken), count))
    ]
