"""Group `reporting`: trends over ten million scores of a hundred tenants, a few of them big.

The scores are copied in once and kept in `.rapport/`; `RAPPORT_BENCH_FACTS` makes fewer of them.
"""

import asyncio
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import asyncpg
import msgspec
import uvloop

from infra.bench.assessed import Shape, seed
from infra.bench.http import Connection, HttpError
from infra.bench.ingest import ingest
from infra.bench.product import running
from infra.bench.reporting_data import FIRST, LAST, TEAMS
from infra.bench.reporting_load import Built, build, read
from infra.bench.rows import Report, percentile
from infra.devstack.credentials import Credentials
from infra.provision import DEMO_SLUG, provision, settings_for
from infra.supervisor import UpFile
from services.reporting.desk import Desk
from services.reporting.views.tables import heatmap
from services.reporting.views.trend import team_trend
from shared.clock import SystemClock
from shared.contracts.reports.tables import HeatmapQuery
from shared.contracts.reports.trend import TrendQuery
from shared.db import pool
from shared.db.tx import tenant_tx
from shared.ids import Uuid7Maker, format_id, parse_id

FACTS: Final = "RAPPORT_BENCH_FACTS"
"""Environment variable: how many scores; ten million when absent."""

START: Final = LAST - timedelta(days=89)
"""First of the ninety days that a team's trend is asked for."""

POINTS: Final = 300
FULL: Final = 60
YEARS: Final = 15
REQUESTS: Final = 300
WARM: Final = 40
"""Runs of each kind before they are timed: connections, plans and pages come to be."""

INGESTED: Final = 20_000
"""Assessments, with twelve skills each."""

_SUMS: Final = """
select team_id, skill, date_trunc('month', {day}::timestamp)::date as month,
       {n}::bigint as n, {total}::bigint as total
  from {table}
 where tenant_id = $1 and {day} between $2 and $3
 group by team_id, skill, month
 order by team_id, skill, month
"""

_RAW: Final = _SUMS.format(day="day", n="count(*)", total="sum(score)", table="facts")
_ROLLED: Final = _SUMS.format(day="bucket", n="sum(n)", total="sum(total)", table="rollups")

_TENANT: Final = "select tenant_id from app.tenants where slug = $1"


class _Place(NamedTuple):
    """A database with its data, as the reporting service would have it."""

    desk: Desk
    built: Built


def run(report: Report, _data_dir: Path) -> None:
    """Measure the group."""
    facts = int(os.environ.get(FACTS, "10000000"))
    home = Path(".rapport") / f"bench-reporting-{facts}"
    if read(home / "built.json", facts) is None or read(home / "small.json", facts // 10) is None:
        shutil.rmtree(home, ignore_errors=True)
    with running(home, {"RAPPORT_LOG_LEVEL": "warning"}) as (up, _):
        uvloop.run(_measure(report, up, home, facts))


async def _measure(report: Report, up: UpFile, home: Path, facts: int) -> None:
    built = read(home / "built.json", facts) or await _build_big(up, home, facts)
    small = read(home / "small.json", facts // 10) or await _build_small(up, home, facts // 10)
    report.add("reporting.facts", facts, "scores")
    async with _place(up.database_url, home, built) as big:
        await _answers(report, big)
        await _against_raw(report, big)
        async with _place(_named(up.database_url, "bench_small"), home, small) as other:
            await _growth(report, big, other)
    await _over_http(report, up, built)
    await _ingest(report, up, home)


@asynccontextmanager
async def _place(url: str, home: Path, built: Built) -> AsyncIterator[_Place]:
    secrets = msgspec.json.decode((home / "secrets.json").read_bytes(), type=Credentials)
    database = await pool.connect(settings_for(url, secrets.master_key), "bench")
    try:
        yield _Place(Desk(database, SystemClock()), built)
    finally:
        await database.close()


# -- data


async def _build_big(up: UpFile, home: Path, facts: int) -> Built:
    """Write all scores beside the product's own tenant, which becomes the biggest."""
    client = await Connection.open(up.api_url, up.api_key)
    made = [await client.post("/v1/teams", {"name": f"Team {i}"}, 201) for i in range(TEAMS)]
    teams = [parse_id("team", each["id"]) for each in made]
    return await _build(up.database_url, home / "built.json", facts, teams)


async def _build_small(up: UpFile, home: Path, facts: int) -> Built:
    url = await _fresh(up.database_url, "bench_small")
    return await _build(url, home / "small.json", facts, ())


async def _build(url: str, path: Path, facts: int, teams: Sequence[UUID]) -> Built:
    sys.stderr.write(f"rapport bench: copying {facts:,} scores, once\n")
    owner = await asyncpg.connect(url)
    try:
        tenant_id = await owner.fetchval(_TENANT, DEMO_SLUG) if teams else None
        built = await build(owner, facts, tenant_id, teams)
    finally:
        await owner.close()
    await asyncio.to_thread(path.write_bytes, msgspec.json.encode(built))
    return built


async def _fresh(owner_url: str, name: str) -> str:
    """Make an empty database of the product's schema on its server; return its URL."""
    owner = await asyncpg.connect(owner_url)
    try:
        await owner.execute(f"drop database if exists {name} with (force)")
        await owner.execute(f"create database {name}")
    finally:
        await owner.close()
    url = _named(owner_url, name)
    await provision(url, login_password=None)
    return url


def _named(owner_url: str, name: str) -> str:
    return urlunsplit(urlsplit(owner_url)._replace(path=f"/{name}"))


# -- rows


async def _answers(report: Report, place: _Place) -> None:
    points = await _times_ms(_trends(place, "points"), POINTS)
    report.add("reporting.team_90d_p95_ms", percentile(points, 0.95), "ms", 5)
    full = await _times_ms(_trends(place, "full"), FULL)
    report.add("reporting.team_stats_miss_p95_ms", percentile(full, 0.95), "ms", 80)
    query = HeatmapQuery(
        tenant_id=place.built.tenant_id, start=FIRST, end=LAST, source="all", team_ids=None
    )

    async def year() -> None:
        msgspec.json.encode(await heatmap(place.desk, query))

    report.add(
        "reporting.tenant_year_p95_ms", percentile(await _times_ms(year, YEARS), 0.95), "ms", 60
    )


async def _against_raw(report: Report, place: _Place) -> None:
    """Compare a year of all teams out of rollups with the same out of single scores."""
    database, tenant_id = place.desk.database, place.built.tenant_id

    async def sums(statement: str) -> list[asyncpg.Record]:
        async with tenant_tx(database, tenant_id) as connection:
            return await connection.fetch(statement, tenant_id, FIRST, LAST)

    if await sums(_RAW) != await sums(_ROLLED):
        raise AssertionError("the rollups are not those of the scores")
    raw, rolled = [], []
    for _ in range(YEARS):  # in turns: what disturbs the machine meets both
        raw.append(await _timed_ms(lambda: sums(_RAW)))
        rolled.append(await _timed_ms(lambda: sums(_ROLLED)))
    report.add("reporting.raw_year_ms", median(raw), "ms")
    report.add("reporting.rollup_year_ms", median(rolled), "ms")
    report.add("reporting.rollup_vs_raw", median(raw) / median(rolled), "ratio", 8, "least")


async def _growth(report: Report, big: _Place, small: _Place) -> None:
    """Compare a team's trend among all scores with one among a tenth of them."""
    ratios = []
    for _ in range(5):
        times = [
            median(await _times_ms(_trends(place, "points"), POINTS // 5)) for place in (big, small)
        ]
        ratios.append(times[0] / times[1])
    report.add("reporting.growth_ratio_10x", median(ratios), "ratio", 1.5)


async def _over_http(report: Report, up: UpFile, built: Built) -> None:
    client = await Connection.open(up.api_url, up.api_key)
    teams = cycle(built.teams)

    async def ask() -> None:
        team = format_id("team", next(teams))
        path = f"/v1/reports/teams/{team}/trend?from={START}&to={LAST}&view=points"
        status, _ = await client.request("GET", path)
        if status != 200:  # HTTP's own number
            raise HttpError(f"a trend answered {status}")

    times = await _times_ms(ask, REQUESTS)
    report.add("reporting.team_90d_http_p95_ms", percentile(times, 0.95), "ms", 20)


async def _ingest(report: Report, up: UpFile, home: Path) -> None:
    url, tenant_id = await _fresh(up.database_url, "bench_ingest"), Uuid7Maker().new()
    owner = await asyncpg.connect(url)
    try:
        await seed(owner, tenant_id, Shape(INGESTED))
    finally:
        await owner.close()
    secrets = msgspec.json.decode((home / "secrets.json").read_bytes(), type=Credentials)
    database = await pool.connect(settings_for(url, secrets.master_key), "bench")
    try:
        found = await ingest(database, tenant_id, INGESTED)
    finally:
        await database.close()
    report.add("reporting.ingest_per_s", found.per_s, "1/s", 1000, "least")
    report.add("reporting.ingest_growth_mb", found.growth_mb, "MB", 50)


def _trends(place: _Place, view: str) -> Callable[[], Awaitable[None]]:
    """Return what asks for ninety days of the next team, as the service does without its cache."""
    teams = cycle(place.built.teams)

    async def ask() -> None:
        query = TrendQuery(
            tenant_id=place.built.tenant_id,
            team_id=next(teams),
            skill=None,
            start=START,
            end=LAST,
            source="all",
            view="full" if view == "full" else "points",
        )
        msgspec.json.encode(await team_trend(place.desk, query))

    return ask


async def _times_ms(work: Callable[[], Awaitable[object]], runs: int) -> list[float]:
    for _ in range(min(WARM, runs)):
        await work()
    return [await _timed_ms(work) for _ in range(runs)]


async def _timed_ms(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return (time.perf_counter() - began) * 1000
