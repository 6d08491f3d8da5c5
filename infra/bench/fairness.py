"""Group `fairness`: what a tenant with a long queue costs another one, and shares by weight.

Tenant A hands in 5,000 scorings and 500 autopilot simulations; tenant B practises and has
conversations scored meanwhile. The scoring worker and Temporal run at a lower priority of the
operating system, as docs/tenancy.md advises.
"""

import asyncio
import os
import time
from pathlib import Path
from typing import Any, Final

import uvloop

from infra.bench.fairness_tenants import (
    Client,
    completed,
    new_client,
    talk,
    timed_scoring,
    waiting,
)
from infra.bench.product import ProductError, descendants, running
from infra.bench.resting import quiet, settled
from infra.bench.rows import Report, percentile
from infra.bench.turns import LINES
from infra.supervisor import UpFile

DELAY_MS: Final = 200
"""Wording delay: stands in for a model."""

NICE: Final = 10
"""Priority of the processes of the background; 0 is that of the others."""

BACKGROUND: Final = ("scoring-worker", "temporal")

WEIGHTS: Final = (5, 3, 2)
QUEUED: Final = 2000
"""Scorings of each of the three tenants."""
WATCHED: Final = 0.7
"""Part of what the heaviest tenant has left, when all have handed in theirs, during which shares
are counted."""

SCORINGS: Final = 5000
SIMULATIONS: Final = 500

USERS: Final = 10
CONVERSATIONS: Final = 30
"""Of B; each has as many turns as there are lines."""
SINGLE: Final = 60
"""Scorings of B, one after the other."""

PATIENCE_S: Final = 240.0


def run(report: Report, data_dir: Path) -> None:
    """Measure the group."""
    environment = {"RAPPORT_WORDING_DELAY_MS": str(DELAY_MS), "RAPPORT_LOG_LEVEL": "warning"}
    with running(data_dir, environment) as (up, _):
        for name in BACKGROUND:
            for pid in descendants(up.pids[name]):
                os.setpriority(os.PRIO_PROCESS, pid, NICE)
        uvloop.run(_measure(report, up, data_dir))


async def _measure(report: Report, up: UpFile, data_dir: Path) -> None:
    await _neighbors(report, up, data_dir)
    await _weights(report, up, data_dir)


async def _neighbors(report: Report, up: UpFile, data_dir: Path) -> None:
    noisy = await new_client(up, data_dir, "noisy")
    calm = await new_client(up, data_dir, "calm")
    await _practise(calm, USERS)  # warm-up: connections, caches, first plans
    await _score(calm, SINGLE // 4)
    await settled(up)
    await quiet(descendants(up.pids["supervisor"]))
    turns_alone = await _practise(calm, CONVERSATIONS)
    scorings_alone = await _score(calm, SINGLE)
    await _flood(noisy)
    turns = await _practise(calm, CONVERSATIONS)
    scorings = await _score(calm, SINGLE)
    if not await waiting(up, noisy.tenant_id):
        raise ProductError("the long queue was over before the measurement")
    report.add("fairness.turn_p95_alone_ms", percentile(turns_alone, 0.95), "ms")
    report.add("fairness.turn_p95_ms", percentile(turns, 0.95), "ms")
    ratio = percentile(turns, 0.95) / percentile(turns_alone, 0.95)
    report.add("fairness.turn_p95_ratio", ratio, "x", 1.3)
    report.add("fairness.scoring_p95_alone_ms", percentile(scorings_alone, 0.95), "ms")
    report.add("fairness.scoring_p95_ms", percentile(scorings, 0.95), "ms")
    ratio = percentile(scorings, 0.95) / percentile(scorings_alone, 0.95)
    report.add("fairness.scoring_p95_ratio", ratio, "x", 2.0)
    await _until_done(up)


async def _flood(noisy: Client) -> None:
    """Queue everything before anything of it is waited for."""
    await noisy.queue_simulations(SIMULATIONS)
    await noisy.queue_scorings(SCORINGS)


async def _practise(client: Client, conversations: int) -> list[float]:
    """Return milliseconds per turn, `USERS` talking at a time.

    They start one after the other within a turn's time: people do not speak in chorus.
    """
    opened = [await client.open_simulation(seed) for seed in range(conversations)]

    async def user(number: int) -> list[float]:
        await asyncio.sleep(number * DELAY_MS / 1000 / USERS)
        took: list[float] = []
        for connection, simulation in opened[number::USERS]:
            took += await talk(connection, simulation)
        return took

    found = [one for each in await asyncio.gather(*map(user, range(USERS))) for one in each]
    if len(found) < conversations * len(LINES) // 2:
        raise ProductError("the conversations ended too early to be measured")
    return found


async def _score(client: Client, count: int) -> list[float]:
    return [await timed_scoring(client, number) for number in range(count)]


async def _until_done(up: UpFile) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await settled(up)


async def _weights(report: Report, up: UpFile, data_dir: Path) -> None:
    """Count who had what while all three have work."""
    clients = [
        await new_client(up, data_dir, f"weight-{weight}", weight=weight) for weight in WEIGHTS
    ]
    await asyncio.gather(*(one.queue_scorings(QUEUED) for one in clients))
    ids = [one.tenant_id for one in clients]
    begin = await completed(up, ids)
    finish = await _reached(up, ids, begin[0] + int((QUEUED - begin[0]) * WATCHED))
    had = [after - before for before, after in zip(begin, finish, strict=True)]
    errors = [
        abs(one / sum(had) / (weight / sum(WEIGHTS)) - 1)
        for one, weight in zip(had, WEIGHTS, strict=True)
    ]
    report.add("fairness.weights_error", max(errors), "", 0.1)


async def _reached(up: UpFile, ids: list[Any], count: int) -> list[int]:
    """Return what each has completed when the first one has so much."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        done = await completed(up, ids)
        if done[0] >= count:
            return done
        if time.monotonic() > deadline:
            raise ProductError("the queues were not worked off")
        await asyncio.sleep(0.05)
