"""Group `api`: what our manners cost a request, a page out of a million rows, a repeat."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import uvloop

from infra.bench.http import Connection
from infra.bench.product import cpu_s, running
from infra.bench.resting import new_learner, quiet
from infra.bench.rows import Report, percentile
from infra.devstack.credentials import Credentials
from infra.devstack.ports import choose_port
from infra.provision import settings_for
from infra.supervisor import UpFile
from services.api.paging import Cursors
from services.api.scorings.schemas import ScoringQuery
from shared.db.keys import read_master_key

CLIENTS = 8
"""Connections that ask at the same time, one request each."""

REQUESTS = 3000
ROUNDS = 5
"""They take turns, so that a change of the machine's speed meets both alike; of each the cheapest
counts, in which others disturbed the processor's caches least.
"""

ROWS = 1_000_000
PAGE = 50
PAGES = 300
REPEATS = 200

START_S = 20.0

LIST = "/v1/scorings"

_TENANT = "select tenant_id from app.scorings limit 1"

_COPY = """
insert into app.scorings
select made.*
  from (select s as row from app.scorings s where tenant_id = $1 limit 1) as one
 cross join generate_series(1, $2::int) as number
 cross join lateral jsonb_populate_record(one.row, jsonb_build_object(
   'scoring_id', uuidv7(),
   'created_at', (one.row).created_at - make_interval(secs => number))) as made
"""
"""As many scorings as asked for, all alike but for id and time."""

_SOME = "select scoring_id from app.scorings where tenant_id = $1 order by random() limit $2"

CONVERSATION = {
    "source": "call",
    "turns": [
        {"role": "customer", "text": "My parcel is lost, and nobody has called me back in a week."},
        {
            "role": "agent",
            "text": "I am sorry. I will look for it now and stay with you.",
        },
    ],
}


def run(report: Report, data_dir: Path) -> None:
    """Measure the group."""
    with running(data_dir, {"RAPPORT_LOG_LEVEL": "warning"}) as (up, _):
        uvloop.run(_measure(report, up, data_dir))


async def _measure(report: Report, up: UpFile, data_dir: Path) -> None:
    connection = await Connection.open(up.api_url, up.api_key)
    learner = await new_learner(up)
    await _compare(report, up, connection)
    await _repeat(report, connection, learner)
    await connection.post(LIST, {"learner_id": learner, "conversation": CONVERSATION}, 202)
    await _list(report, up, data_dir)


# -- a request against a bare one


async def _compare(report: Report, up: UpFile, connection: Connection) -> None:
    team = (await connection.post("/v1/teams", {"name": "Night shift"}, 201))["id"]
    path = f"/v1/teams/{team}"
    _, body = await connection.request("GET", path)
    port = choose_port()
    with _bare(port, body) as pid:
        bare_url = f"http://127.0.0.1:{port}"
        await _answers(bare_url)
        rounds = [
            (
                await _cost_us(bare_url, "none", "/v1/things/x", pid),
                await _cost_us(up.api_url, up.api_key, path, up.pids["api"]),
            )
            for _ in range(ROUNDS)
        ]
    bare, ours = (min(one[side] for one in rounds) for side in (0, 1))
    report.add("api.bare_cpu_us", bare, "us")
    report.add("api.get_cpu_us", ours, "us")
    report.add("api.cpu_ratio_to_bare", ours / bare, "ratio", 3)


@contextmanager
def _bare(port: int, body: Any) -> Iterator[int]:
    text = msgspec.json.encode(body).decode()
    process = subprocess.Popen([sys.executable, "-m", "infra.bench.bare", str(port), text])
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(START_S)


async def _answers(url: str) -> None:
    """Wait until a server answers."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        with suppress(OSError):
            await (await Connection.open(url, "none")).request("GET", "/v1/things/x")
            return
        await asyncio.sleep(0.05)
    raise TimeoutError(url)


async def _cost_us(url: str, key: str, path: str, pid: int) -> float:
    """Return microseconds of processor time of a process per request."""
    connections = [await Connection.open(url, key) for _ in range(CLIENTS)]

    async def ask(connection: Connection, count: int) -> None:
        for _ in range(count):
            await connection.request("GET", path)

    await asyncio.gather(*(ask(each, 50) for each in connections))
    before = cpu_s([pid])
    await asyncio.gather(*(ask(each, REQUESTS // CLIENTS) for each in connections))
    return 1e6 * (cpu_s([pid]) - before) / (REQUESTS // CLIENTS * CLIENTS)


# -- a repeat against the first


async def _repeat(report: Report, connection: Connection, learner: str) -> None:
    body = {"learner_id": learner, "conversation": CONVERSATION}
    first, again = [], []
    for number in range(REPEATS):
        first.append(await _timed_post(connection, body, f"bench-{number}"))
        again.append(await _timed_post(connection, body, f"bench-{number}"))
    report.add("api.first_p50_ms", median(first), "ms")
    report.add("api.replay_ratio", median(again) / median(first), "ratio", 1)


async def _timed_post(connection: Connection, body: Any, key: str) -> float:
    started = time.perf_counter()
    await connection.request("POST", LIST, body, once=key)
    return 1000 * (time.perf_counter() - started)


# -- a page out of a million


async def _list(report: Report, up: UpFile, data_dir: Path) -> None:
    database = await asyncpg.connect(up.database_url, command_timeout=600)
    tenant_id: UUID = await database.fetchval(_TENANT)
    await database.execute("set session_replication_role = replica")  # no triggers, no references
    await database.execute(_COPY, tenant_id, ROWS)
    await database.execute("vacuum analyze app.scorings")
    rows = [row[0] for row in await database.fetch(_SOME, tenant_id, PAGES)]
    await database.close()
    await quiet([up.pids["api"]])
    secrets = msgspec.json.decode((data_dir / "secrets.json").read_bytes(), type=Credentials)
    master_key = read_master_key(settings_for(up.database_url, secrets.master_key))
    query = ScoringQuery(limit=PAGE)
    seal = Cursors(master_key).request(tenant_id, LIST, query).seal
    connection = await Connection.open(up.api_url, up.api_key)
    took = []
    for scoring_id in rows:
        started = time.perf_counter()
        status, page = await connection.request(
            "GET", f"{LIST}?limit={PAGE}&cursor={seal(scoring_id)}"
        )
        took.append(1000 * (time.perf_counter() - started))
        if status != 200 or not page["data"]:
            raise AssertionError(page)
    report.add("api.list_p95_ms", percentile(took, 0.95), "ms", 15)
