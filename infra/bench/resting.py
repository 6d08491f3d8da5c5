"""A product at rest: what one measurement leaves behind must not be paid for by the next."""

import asyncio
import time

import asyncpg

from infra.bench.http import Connection
from infra.bench.product import cpu_s
from infra.supervisor import UpFile

POLL_S = 0.05
QUIET_TRIES = 60
QUIET_SHARE = 0.08
"""Seconds of processor time per second below which the product counts as resting."""

_WAITING = """
select (select count(*) from app.jobs) + (select count(*) from app.events where position is null)
"""


async def new_learner(up: UpFile) -> str:
    """Return the id of a learner made for this measurement."""
    connection = await Connection.open(up.api_url, up.api_key)
    body = {"external_id": f"bench-{time.time_ns()}"}
    learner: str = (await connection.post("/v1/learners", body, 201))["id"]
    return learner


async def settled(up: UpFile) -> None:
    """Wait until nothing is queued, so that one measurement does not pay for another."""
    database = await asyncpg.connect(up.database_url)
    while await database.fetchval(_WAITING):  # noqa: ASYNC110  (it lives in another process)
        await asyncio.sleep(POLL_S)
    await database.close()


async def quiet(pids: list[int]) -> None:
    """Wait until the product rests: what opening simulations left to do is no turn's cost."""
    for _ in range(QUIET_TRIES):
        before = cpu_s(pids)
        await asyncio.sleep(1)
        if cpu_s(pids) - before < QUIET_SHARE:
            return
