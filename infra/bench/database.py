"""Group `db`: what row-level security and sealing cost an insert."""

import asyncio
import base64
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec
import uvloop

from infra.bench.product import running
from infra.bench.rows import Report
from infra.devstack.credentials import Credentials
from infra.provision import settings_for
from infra.supervisor import UpFile
from infra.tenants import Registry
from shared.db import pool
from shared.db.pool import Database
from shared.db.sealed import MasterKey
from shared.db.tx import TENANT_FIRST, tenant_once, tenant_tx
from shared.ids import Uuid7Maker

WORKERS = 10
ROUNDS = 5
ROUND_S = 1.0
TEXT = ("I understand how upsetting this is, and I will sort it out with you today. " * 5)[:400]

_TABLES = """
create table app.bench_plain (tenant_id uuid not null, row_id uuid not null, text bytea,
                              primary key (tenant_id, row_id));
create table app.bench_sealed (like app.bench_plain including all);
call app.protect('app.bench_sealed');
"""

_DROP = "drop table if exists app.bench_plain, app.bench_sealed"

_PLAIN = "insert into app.bench_plain select $1, $2, $3"

_SEALED = f"{TENANT_FIRST} insert into bench_sealed select $1, $2, $3 from tenant"  # noqa: S608  (two constants)


async def _keep(_connection: object) -> None:
    """The same pool habit as the product's, so that only the insert differs."""


def run(report: Report, data_dir: Path) -> None:
    """Measure the group."""
    with running(data_dir, {}) as (up, _):
        uvloop.run(_measure(report, up, data_dir))


async def _measure(report: Report, up: UpFile, data_dir: Path) -> None:
    secrets = msgspec.json.decode((data_dir / "secrets.json").read_bytes(), type=Credentials)
    settings = msgspec.structs.replace(
        settings_for(up.database_url, secrets.master_key), database_pool=WORKERS
    )
    database = await pool.connect(settings, "bench")
    plain_pool = await asyncpg.create_pool(
        up.database_url, min_size=WORKERS, max_size=WORKERS, reset=_keep
    )
    master = MasterKey(base64.b64decode(secrets.master_key))
    tenant_id = await Registry(database, master).create_tenant(f"bench-{time.time_ns()}")
    await plain_pool.execute(_TABLES)
    try:
        await _compare(report, database, plain_pool, master, tenant_id)
    finally:
        await plain_pool.execute(_DROP)
        await plain_pool.close()
        await database.close()


async def _compare(
    report: Report,
    database: Database,
    plain_pool: "asyncpg.Pool[asyncpg.Record]",
    master: MasterKey,
    tenant_id: UUID,
) -> None:
    """Take turns, so that a change of the machine's speed meets all three alike."""
    key = master.tenant_key(tenant_id, master.new_tenant_key(tenant_id))
    ids = Uuid7Maker()
    text = TEXT.encode()

    async def plain() -> None:
        await plain_pool.execute(_PLAIN, tenant_id, ids.new(), text)

    async def sealed() -> None:
        row = ids.new()
        await tenant_once(
            database, tenant_id, _SEALED, row, key.seal(text, "bench.text", row.bytes)
        )

    async def in_transaction() -> None:
        row = ids.new()
        async with tenant_tx(database, tenant_id) as connection:
            await connection.execute(
                "insert into bench_sealed values ($1, $2, $3)",
                tenant_id,
                row,
                key.seal(text, "bench.text", row.bytes),
            )

    rates = [[await _rate(work) for work in (plain, sealed, in_transaction)] for _ in range(ROUNDS)]
    report.add("db.plain_inserts_per_s", statistics.median(one[0] for one in rates), "1/s")
    ratio = statistics.median(one[1] / one[0] for one in rates)
    report.add("db.rls_insert_ratio", ratio, "ratio", 0.7, "least")
    explicit = statistics.median(one[2] / one[0] for one in rates)
    report.add("db.rls_transaction_ratio", explicit, "ratio")


async def _rate(work: Callable[[], Awaitable[None]]) -> float:
    """Return calls per second with `WORKERS` at once."""
    count = 0
    end = time.perf_counter() + ROUND_S

    async def loop() -> None:
        nonlocal count
        while time.perf_counter() < end:
            await work()
            count += 1

    await asyncio.gather(*(loop() for _ in range(WORKERS)))
    return count / ROUND_S
