"""A tenant with a store on loopback and a sender with a clock of its own; fixtures for its tests."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.orchestrator.context import Context
from services.orchestrator.repository import place_events
from services.orchestrator.xapi.pusher import Pusher
from services.orchestrator.xapi.repository import find_due
from shared.clock import FixedClock
from shared.config import Settings
from shared.contracts.events import EventType
from shared.db.keys import KeyRing
from shared.db.outbox import add_event
from shared.db.pool import Database
from shared.db.tx import system_tx, tenant_tx
from shared.messaging.publisher import Publisher
from shared.webhooks.outbound import Outbound
from shared.xapi.stores import Auth, Standing, Store, find_store, put_store
from tests.integration.orchestrator.orchestrator_world import IDS, Nothing, World
from tests.support.fake_lrs import FakeLrs
from tests.support.scored import judged, score_simulation
from tests.support.tenants import TenantFactory

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


class Sending:
    """One tenant with a store on loopback, and a sender with a clock of its own."""

    def __init__(
        self, world: World, keys: KeyRing, context: Context, clock: FixedClock, lrs: FakeLrs
    ) -> None:
        self.world, self.keys, self.context, self.clock, self.lrs = world, keys, context, clock, lrs
        self.tenant_id = world.tenant_id
        self.pusher = Pusher(context, keys, Outbound(context.settings, connections=4))

    async def set_store(self, **fields: Any) -> None:
        store = Store(
            url=self.lrs.url,
            auth=Auth(kind="basic", username="rapport", secret="pa:ss"),
            version="2.0.0",
            actor="learner_id",
            home_page=None,
            enabled=True,
        )
        async with tenant_tx(self.context.database, self.tenant_id) as connection:
            tenant = await self.keys.tenant(connection, self.tenant_id)
            await put_store(
                connection, tenant, msgspec.structs.replace(store, **fields), self.clock.now()
            )

    async def standing(self) -> Standing:
        async with tenant_tx(self.context.database, self.tenant_id) as connection:
            tenant = await self.keys.tenant(connection, self.tenant_id)
            standing = await find_store(connection, tenant)
        assert standing is not None
        return standing

    async def practice(self) -> UUID:
        """A simulation from start to score: four statements."""
        simulation_id = await self.world.simulation()
        await self.event(simulation_id, EventType.SIMULATION_STARTED)
        await self.event(simulation_id, EventType.TURN_COMPLETED)
        await self.world.end(simulation_id)
        await self.event(simulation_id, EventType.SIMULATION_ENDED)
        await score_simulation(
            self.context.database,
            self.keys,
            self.tenant_id,
            simulation_id,
            judged(64, {"relate.empathy": 64}, passed=False),
        )
        async with system_tx(self.context.database) as connection:
            while await place_events(connection):
                pass
        return simulation_id

    async def event(self, simulation_id: UUID, kind: EventType) -> None:
        async with tenant_tx(self.context.database, self.tenant_id) as connection:
            await add_event(
                connection, self.tenant_id, IDS.new(), kind, simulation_id, Nothing(), now=NOW
            )

    async def send(self) -> bool:
        return await self.pusher.send(self.tenant_id)

    async def is_due(self) -> bool:
        return self.tenant_id in await find_due(self.context, 1000)


@pytest.fixture
async def lrs() -> AsyncIterator[FakeLrs]:
    fake = await FakeLrs().start()
    yield fake
    await fake.stop()


@pytest.fixture
async def sending(
    database: Database,
    settings: Settings,
    tenants: TenantFactory,
    keys: KeyRing,
    nats: Any,
    lrs: FakeLrs,
) -> AsyncIterator[Sending]:
    world = await World.create(database, tenants)
    async with tenant_tx(database, world.tenant_id) as connection:
        tenant = await keys.tenant(connection, world.tenant_id)
        await connection.execute(
            "insert into learner_keys values ($1, $2, $3)",
            world.tenant_id,
            world.learner_id,
            tenant.new_learner_key(world.learner_id),
        )
    clock = FixedClock(NOW)
    context = Context(
        settings=msgspec.structs.replace(
            settings, webhook_allow_private=True, webhook_timeout_s=2.0
        ),
        database=database,
        publisher=Publisher(nats),
        temporal=None,  # type: ignore[arg-type]  # no statement needs it
        clock=clock,
        ids=IDS,
    )
    one = Sending(world, keys, context, clock, lrs)
    yield one
    await one.pusher.stop()
