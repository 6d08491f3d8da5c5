"""Group `trail`: how many entries of the audit trail a second the sealer puts into their chains."""

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
import uvloop

from infra.bench.product import ProductError, running
from infra.bench.rows import Report
from infra.supervisor import UpFile
from services.orchestrator.trail.sealer import LOCK
from shared.ids import Uuid7Maker
from shared.trail.entries import Actor, Entry, canonical, content, digest

ENTRIES: Final = 20_000
"""What waits when the sealer begins."""

CHAINS: Final = {"one_tenant": 1, "1k_tenants": 1000}
"""How many tenants' chains they belong to."""

LEAST_PER_S: Final = 500.0
"""Entries a second: fewer than this, and a busy hour of many tenants would be sealed late."""

POLL_S: Final = 0.05
PATIENCE_S: Final = 120.0

_COLUMNS: Final = (
    "tenant_id",
    "actor_kind",
    "actor_id",
    "action",
    "target",
    "request_id",
    "at",
    "facts",
    "entry_hash",
)

_LEFT: Final = "select count(*) from app.trail where position is null"


def run(report: Report, data_dir: Path) -> None:
    """Measure the group."""
    with running(data_dir, {"RAPPORT_LOG_LEVEL": "warning"}) as (up, _):
        uvloop.run(_measure(report, up))


async def _measure(report: Report, up: UpFile) -> None:
    database = await asyncpg.connect(up.database_url)
    try:
        for name, chains in CHAINS.items():
            rate = await _sealed_per_s(database, chains)
            report.add(f"trail.sealed_per_s_{name}", rate, "1/s", LEAST_PER_S, "least")
    finally:
        await database.close()


async def _sealed_per_s(database: "asyncpg.Connection[asyncpg.Record]", chains: int) -> float:
    """Let entries wait while the sealer is held up; return how fast it works them off."""
    async with database.transaction():
        await database.execute("select pg_advisory_xact_lock($1)", LOCK)
        await database.copy_records_to_table(
            "trail", schema_name="app", columns=_COLUMNS, records=_entries(chains)
        )
    before, begun_at = ENTRIES, 0.0
    async with asyncio.timeout(PATIENCE_S):
        while left := await database.fetchval(_LEFT):
            if before == ENTRIES and left < ENTRIES:  # not the pause before its first pass
                before, begun_at = left, time.perf_counter()
            await asyncio.sleep(POLL_S)
    if not begun_at:
        raise ProductError("the sealer was done between two looks")
    return float(before / (time.perf_counter() - begun_at))


def _entries(chains: int) -> list[tuple[Any, ...]]:
    ids = Uuid7Maker()
    tenants = [ids.new() for _ in range(chains)]
    return [_row(tenants[number % chains], number) for number in range(ENTRIES)]


def _row(tenant_id: UUID, number: int) -> tuple[Any, ...]:
    entry = Entry(
        tenant_id=tenant_id,
        actor=Actor(kind="key", id=tenant_id),
        action="bench.sealed",
        target="settings/bench",
        request_id=f"bench-{number}",
        at=datetime.now(UTC),
        facts={"number": number},
    )
    return (
        tenant_id,
        entry.actor.kind,
        entry.actor.id,
        entry.action,
        entry.target,
        entry.request_id,
        entry.at,
        canonical(entry.facts).decode(),
        digest(content(entry)),
    )
