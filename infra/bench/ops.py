"""Group `ops`: what ten thousand tenants cost at rest, and what overload leaves of the peak."""

import asyncio
import time
from pathlib import Path
from typing import Final

import asyncpg
import uvloop

from infra.bench.overload import goodput
from infra.bench.product import cpu_s, descendants, running
from infra.bench.resting import quiet, settled
from infra.bench.rows import Report
from infra.supervisor import UpFile

FEW: Final = 10
MANY: Final = 10_000
REST_S: Final = 30.0
ROUNDS: Final = 3
"""Of each the cheapest counts: others disturbed it least."""

_TENANTS = """
with made as (
  insert into app.tenants (tenant_id, slug, time_zone, created_at)
  select uuidv7(), 'many-' || number,
         (array['UTC', 'Europe/Vienna', 'America/Lima'])[1 + number % 3], now() - interval '30 days'
    from generate_series($1::int, $2::int) as number
  returning tenant_id
), heads as (
  insert into app.event_heads (tenant_id, position) select tenant_id, 5 from made
)
insert into app.consumer_positions (tenant_id, consumer, position)
select tenant_id, consumer, 5
  from made cross join unnest(array['reporting', 'webhooks']) as consumer
"""
"""Tenants that have been here for a month, with everything read that happened."""

_SETTINGS = """
insert into report.settings (tenant_id, revision, min_people, rank_people, is_weekly,
                             weekly_weekday, weekly_hour, updated_at)
select tenant_id, 1, 5, false, true, 1 + (random() * 6)::int % 7, 6, now()
  from app.tenants where slug like 'many-%' on conflict do nothing
"""
"""Each wants its weekly pages: what a schedule looks for must not cost by tenant either."""


def run(report: Report, data_dir: Path) -> None:
    """Measure the group."""
    environment = {"RAPPORT_LOG_LEVEL": "warning"}
    with running(data_dir, environment) as (up, _):
        uvloop.run(_at_rest(report, up))
    with running(data_dir, environment) as (up, _):
        uvloop.run(goodput(report, up))


async def _at_rest(report: Report, up: UpFile) -> None:
    pids = descendants(up.pids["supervisor"])
    await _add(up, 1, FEW)
    few = await _rest(up, pids)
    await _add(up, FEW + 1, MANY)
    many = await _rest(up, pids)
    report.add("ops.idle_cpu_ms_per_s_10", 1000 * few, "ms/s")
    report.add("ops.idle_cpu_ms_per_s_10k", 1000 * many, "ms/s")
    report.add("ops.idle_cpu_ratio_10k_tenants", many / few, "x", 1.2)


async def _add(up: UpFile, first: int, last: int) -> None:
    database = await asyncpg.connect(up.database_url)
    await database.execute(_TENANTS, first, last)
    await database.execute(_SETTINGS)
    await database.execute("analyze")
    await database.close()


async def _rest(up: UpFile, pids: list[int]) -> float:
    """Return processor seconds per second of a product that nobody asks anything."""
    await settled(up)
    await quiet(pids)
    found = []
    for _ in range(ROUNDS):
        before, started = cpu_s(pids), time.perf_counter()
        await asyncio.sleep(REST_S)
        found.append((cpu_s(pids) - before) / (time.perf_counter() - started))
    return min(found)
