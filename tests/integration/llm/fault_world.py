"""A process with the real gateway and ledger, and the scripted endpoint that it calls."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg
import pytest

from shared.clock import FixedClock
from shared.config import Settings
from shared.contracts.llm import Message, Prompt, Task, WhyEmbedded
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import Uuid7Maker
from shared.llm.gateway import Gateway, gateway
from shared.llm.ports import ChatAnswer, ChatRequest, ModelFailedError, Purpose
from tests.support.llm import FakeLlm, endpoint, with_endpoint
from tests.support.tenants import TenantFactory

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
PATIENT_S = 10.0
"""The deadline of a call that is not about deadlines: never reached, however busy the machine."""
QUICK_S = 1.0
"""The deadline of a call that must run into it."""


class World(NamedTuple):
    """A process with the gateway, and the endpoint it calls."""

    fake: FakeLlm
    model: Gateway
    request: ChatRequest
    rows: Callable[[], Awaitable[list[asyncpg.Record]]]


@pytest.fixture
async def fake() -> AsyncIterator[FakeLlm]:
    async with endpoint() as started:
        yield started


@pytest.fixture
async def world(
    fake: FakeLlm, settings: Settings, database: Database, keys: KeyRing, tenants: TenantFactory
) -> AsyncIterator[World]:
    tenant_id = (await tenants.new()).tenant_id
    model = gateway(
        with_endpoint(settings, fake.url),
        database,
        keys,
        clock=FixedClock(NOON),
        ids=Uuid7Maker(),
        random=lambda: 0.5,
    )
    request = ChatRequest(
        purpose=Purpose(tenant_id=tenant_id, task=Task.WORDING, environment="live"),
        prompt=Prompt(messages=(Message(role="user", content="Hello."),), version="0" * 12),
        key=await keys.warm(database, tenant_id),
        max_output_tokens=100,
        deadline_s=PATIENT_S,
    )

    async def rows() -> list[asyncpg.Record]:
        return await _rows(database, tenant_id)

    yield World(fake, model, request, rows)
    await model.close()


async def _rows(database: Database, tenant_id: UUID) -> list[asyncpg.Record]:
    """What the ledger holds: the calls, each with what its month still has set aside."""
    async with tenant_tx(database, tenant_id) as connection:
        return await connection.fetch(
            "select c.*, m.in_flight, m.reserved_microusd as held from llm_calls c"
            " join llm_months m using (tenant_id) where c.tenant_id = $1",
            tenant_id,
        )


class Heard:
    """A listener."""

    def __init__(self) -> None:
        self.pieces: list[str] = []

    async def hear(self, piece: str) -> None:
        self.pieces.append(piece)

    @property
    def text(self) -> str:
        return "".join(self.pieces)


async def ask(world: World, listener: Heard | None) -> ChatAnswer:
    return await world.model.chat(world.request, listener.hear if listener else None)


async def why_not(world: World, listener: Heard | None = None) -> WhyEmbedded | None:
    try:
        await ask(world, listener)
    except ModelFailedError as failed:
        return failed.why
    return None
