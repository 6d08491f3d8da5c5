"""How fast reporting folds: assessments with twelve skills each, from the feed into rollups.

`python -m infra.bench.ingest 20000` measures on servers of its own.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import asyncpg
import psutil

from infra.bench.assessed import Shape, seed
from infra.devstack.stack import Stack
from infra.provision import provision
from infra.supervisor import LOGIN
from services.reporting.folding import fold_page
from shared.config import Secret, Settings
from shared.db import pool
from shared.db.pool import Database
from shared.ids import Uuid7Maker


class Ingest(NamedTuple):
    """What a run took."""

    per_s: float
    """Assessments a second."""
    cpu_per_s: float
    """Assessments per second of this process's own processor time: the servers' is not in it."""
    growth_mb: float
    """By how much this process grew after its first tenth."""


async def ingest(database: Database, tenant_id: UUID, assessments: int) -> Ingest:
    """Fold everything that waits of a tenant that `assessed.seed` made."""
    process = psutil.Process()
    began, cpu = time.perf_counter(), time.process_time()
    at_a_tenth = 0.0
    while True:
        folded = await fold_page(database, tenant_id)
        if folded is None or folded.is_incomplete:
            raise RuntimeError("somebody else folds this tenant, or it must be rebuilt")
        if not at_a_tenth and folded.position * 10 >= assessments:
            at_a_tenth = process.memory_info().rss / 1e6
        if not folded.has_more:
            break
    took = time.perf_counter() - began
    return Ingest(
        per_s=assessments / took,
        cpu_per_s=assessments / (time.process_time() - cpu),
        growth_mb=process.memory_info().rss / 1e6 - at_a_tenth,
    )


async def _measure(stack: Stack, shape: Shape) -> Ingest:
    credentials = stack.credentials
    await provision(stack.database_url, login_password=credentials.postgres_login)
    tenant_id = Uuid7Maker().new()
    owner = await asyncpg.connect(stack.database_url)
    try:
        await seed(owner, tenant_id, shape)
    finally:
        await owner.close()
    settings = Settings(
        database_url=Secret(stack.database_url_for(LOGIN, credentials.postgres_login)),
        nats_url=Secret(stack.nats_url_for("reporting")),
        temporal_address=stack.temporal_address,
        master_key=Secret(credentials.master_key),
    )
    database = await pool.connect(settings, "ingest")
    try:
        return await ingest(database, tenant_id, shape.assessments)
    finally:
        await database.close()


def main() -> int:
    """Measure once and print it."""
    parser = argparse.ArgumentParser(prog="python -m infra.bench.ingest")
    parser.add_argument("assessments", type=int, nargs="?", default=20_000)
    parser.add_argument("--teams", type=int, default=20)
    parser.add_argument("--people", type=int, default=400)
    options = parser.parse_args()
    shape = Shape(options.assessments, options.teams, options.people)
    with (
        tempfile.TemporaryDirectory(prefix="rapport-ingest-") as folder,
        Stack(Path(folder), {}, durable=False) as stack,
    ):
        result = asyncio.run(_measure(stack, shape))
    print(f"{result.per_s:.0f} assessments/s, {result.growth_mb:.1f} MB more")
    return 0


if __name__ == "__main__":
    sys.exit(main())
