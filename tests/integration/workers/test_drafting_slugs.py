"""Two drafts that end at the same moment and want the same slug: each is stored, asked for once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from nats.aio.client import Client

from services.scoring_worker.drafting.repository import DraftRepository as RubricRepository
from services.sim_worker.drafting.repository import DraftRepository as ScenarioRepository
from shared.clock import SystemClock
from shared.config import Settings
from shared.db.keys import KeyRing
from shared.db.pool import Connection, Database
from shared.db.tx import tenant_tx
from shared.drafting.expanding import expand
from shared.drafting.rubric_expanding import expand as expand_rubric
from tests.integration.workers.drafting_world import IDEA, IDS, SCORECARD, Room, open_room
from tests.support.drafting import RUBRICS, rubric_outline, scenario_outline
from tests.support.tenants import TenantFactory
from tests.support.waiting import eventually

Store = Callable[[Connection], Awaitable[None]]


@pytest.fixture
async def room(
    settings: Settings, database: Database, keys: KeyRing, nats: Client, tenants: TenantFactory
) -> Room:
    return await open_room(settings, database, keys, nats, tenants)


def storing(room: Room, noun: str) -> Store:
    """Return what stores a new draft of this kind under the same wanted slug."""
    now = SystemClock().now()
    if noun == "scenario":
        wanted = msgspec.structs.replace(IDEA, slug="twins")
        spec = expand(scenario_outline(), wanted, rubrics=RUBRICS)
        return lambda connection: ScenarioRepository(connection, room.tenant_id).insert(
            IDS.new(), spec, None, now
        )
    rubric: Any = expand_rubric(
        rubric_outline(), msgspec.structs.replace(SCORECARD, slug="twins")
    ).spec
    return lambda connection: RubricRepository(connection, room.tenant_id).insert(
        IDS.new(), rubric, now
    )


@pytest.mark.parametrize("noun", ["scenario", "rubric"])
async def test_the_second_gets_a_number(room: Room, noun: str) -> None:
    store = storing(room, noun)
    waiting: list[int] = []

    async def second() -> None:
        async with tenant_tx(room.database, room.tenant_id) as connection:
            waiting.append(await connection.fetchval("select pg_backend_pid()"))
            await store(connection)

    async with tenant_tx(room.database, room.tenant_id) as first:
        await store(first)
        twin = asyncio.create_task(second())

        async def is_stuck() -> bool:
            return bool(waiting) and await first.fetchval(
                "select cardinality(pg_blocking_pids($1)) > 0", waiting[0]
            )

        await eventually(is_stuck)
    await twin
    table = "scenarios" if noun == "scenario" else "rubrics"
    rows = await room.fetch(
        f"select slug from {table} where tenant_id = $1 and slug like 'twins%' order by slug"
    )
    assert [row["slug"] for row in rows] == ["twins", "twins-2"]
