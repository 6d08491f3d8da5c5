"""Group `turn`: what the product adds to the wording of a reply, over HTTP."""

import asyncio
import time
from pathlib import Path
from typing import Any

import asyncpg
import uvloop

from infra.bench.http import Connection
from infra.bench.product import cpu_s, descendants, running
from infra.bench.resting import new_learner, quiet, settled
from infra.bench.rows import Report, percentile
from infra.supervisor import UpFile

DELAY_MS = 200
"""Wording delay: stands in for a model."""

IDLE = 15
"""Conversations, one after the other, that show an idle product."""

MANY = 50
CROWD = 500
CROWD_TURNS = 6

LINES = (
    "I can see why this is upsetting. What happened when you first got in touch with us?",
    "Thank you for telling me. When did you last hear anything from us about it?",
    "So you were promised one thing and got another, is that right?",
    "I want to understand it fully. How has this affected you since?",
    "I see. What would help you most right now?",
    "Let me look into that for you. What else should I know about it?",
)
"""Neutral to good lines: a conversation of them stays open."""

SCENARIO = "support-angry-late-delivery"


def run(report: Report, data_dir: Path) -> None:
    """Measure the group."""
    environment = {"RAPPORT_WORDING_DELAY_MS": str(DELAY_MS), "RAPPORT_LOG_LEVEL": "warning"}
    with running(data_dir, environment) as (up, _):
        uvloop.run(_measure(report, up))


async def _measure(report: Report, up: UpFile) -> None:
    learner = await new_learner(up)
    await _floors(report, up)
    pids = descendants(up.pids["supervisor"])
    await _at_once(up, learner, pids, MANY, MANY)  # warm-up: connections, caches, first plans
    idle = await _at_once(up, learner, pids, IDLE, 1)
    report.add("turn.added_p50_ms", percentile(idle, 0.5), "ms", 10)
    report.add("turn.added_p95_ms", percentile(idle, 0.95), "ms", 20)
    many = await _at_once(up, learner, pids, MANY * 2, MANY)
    report.add("turn.added_p95_ms_50", percentile(many, 0.95), "ms", 60)
    conversations = await _rested(up, learner, pids, CROWD)
    before, started = cpu_s(pids), time.perf_counter()
    crowd = await asyncio.gather(*(_talk(*one, CROWD_TURNS) for one in conversations))
    turns = sum(len(one) for one in crowd)
    wall = time.perf_counter() - started
    report.add("turn.cpu_ms_all_processes", 1000 * (cpu_s(pids) - before) / turns, "ms", 5)
    report.add("turn.per_s_500", turns / wall, "1/s")


async def _floors(report: Report, up: UpFile) -> None:
    """What the parts cost alone: one HTTP request, one durable commit."""
    connection = await Connection.open(up.api_url, up.api_key)
    http = [await _timed(connection.request("GET", "/livez")) for _ in range(100)]
    report.add("turn.floor_http_ms", percentile(http, 0.5), "ms")
    database = await asyncpg.connect(up.database_url)
    await database.execute("create table public.bench_floor (number int, text bytea)")
    insert = "insert into public.bench_floor values (1, $1)"
    commit = [await _timed(database.execute(insert, b"x" * 200)) for _ in range(100)]
    await database.execute("drop table public.bench_floor")
    await database.close()
    report.add("turn.floor_commit_ms", percentile(commit, 0.5), "ms")


async def _timed(work: Any) -> float:
    started = time.perf_counter()
    await work
    return 1000 * (time.perf_counter() - started)


async def _rested(
    up: UpFile, learner: str, pids: list[int], count: int
) -> list[tuple[Connection, str]]:
    """Open conversations and wait until their starts cost nothing any more."""
    conversations = await _open_many(up, learner, count)
    await settled(up)
    await quiet(pids)
    return conversations


async def _at_once(
    up: UpFile, learner: str, pids: list[int], conversations: int, users: int
) -> list[float]:
    """Return milliseconds added per turn with `users` talking at once, without a pause.

    They start one after the other within a turn's time: people do not speak in chorus, and a chorus
    would measure how long one burst takes to drain.
    """
    opened = await _rested(up, learner, pids, conversations)

    async def user(number: int) -> list[float]:
        await asyncio.sleep(number * DELAY_MS / 1000 / users)
        added: list[float] = []
        for connection, simulation in opened[number::users]:
            added += await _talk(connection, simulation, len(LINES))
        return added

    return [one for each in await asyncio.gather(*map(user, range(users))) for one in each]


async def _open_many(up: UpFile, learner: str, count: int) -> list[tuple[Connection, str]]:
    async def one(seed: int) -> tuple[Connection, str]:
        connection = await Connection.open(up.api_url, up.api_key)
        return connection, await _simulation(connection, learner, seed)

    return [await one(seed) for seed in range(count)]


async def _simulation(connection: Connection, learner: str, seed: int) -> str:
    body = {"scenario": SCENARIO, "learner_id": learner, "mode": "interactive", "seed": seed}
    simulation: str = (await connection.post("/v1/simulations", body, 201))["id"]
    return simulation


async def _talk(connection: Connection, simulation: str, turns: int) -> list[float]:
    added = []
    for number in range(turns):
        started = time.perf_counter()
        answer = await connection.post(
            f"/v1/simulations/{simulation}/turns",
            {"text": LINES[number % len(LINES)], "expected_seq": 2 * number},
            200,
        )
        added.append(1000 * (time.perf_counter() - started) - DELAY_MS)
        if answer["simulation"]["status"] != "open":
            break
    return added
