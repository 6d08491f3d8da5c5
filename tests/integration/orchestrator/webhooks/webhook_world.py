"""Endpoints as the API stores them, the delivery engine in process, and looks at what it did."""

import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from services.orchestrator.context import Context
from services.orchestrator.relay import Relay
from services.orchestrator.webhooks.fan_out import FanOut
from services.orchestrator.webhooks.recorder import Recorder
from services.orchestrator.webhooks.sender import Sender
from services.orchestrator.webhooks.taking import Taker
from shared.contracts.events import EventType
from shared.db.keys import KeyRing
from shared.db.outbox import add_event
from shared.db.sealed import TenantKey, turn_row
from shared.db.tx import system_tx, tenant_tx
from shared.webhooks.outbound import Outbound, Resolver
from shared.webhooks.schedule import Chance
from shared.webhooks.sealing import BODY, RESPONSE, SECRET, URL, attempt_row
from shared.webhooks.secrets import new_secret, secret_text
from tests.integration.orchestrator.orchestrator_world import IDS, World

TIMEOUT_S = 3.0
"""What a receiver has; a busy machine must be able to keep it."""


class _Facts(msgspec.Struct):
    """Data of an event."""

    seq: int = 2


class Endpoint(msgspec.Struct, frozen=True):
    endpoint_id: UUID
    secret: str
    """As the receiver has it."""


class Hooks:
    """One tenant's webhooks."""

    def __init__(self, world: World, keys: KeyRing, context: Context) -> None:
        self.world = world
        self.tenant_id = world.tenant_id
        self.keys = keys
        self.context = context

    async def key(self) -> TenantKey:
        return await self.keys.warm(self.world.database, self.tenant_id)

    async def endpoint(self, url: str, **columns: Any) -> Endpoint:
        """An enabled endpoint with one secret."""
        endpoint_id = IDS.new()
        key = await self.key()
        now = self.context.clock.now()
        values = {
            "url": key.seal_text(url, URL, endpoint_id.bytes),
            "payload": "thin",
            "status": "enabled",
            "after_position": 0,
            "created_at": now,
            "updated_at": now,
        } | columns
        places = ", ".join(f"${number}" for number in range(3, 3 + len(values)))
        await self.world.execute(
            f"insert into webhook_endpoints (tenant_id, endpoint_id, {', '.join(values)})"
            f" values ($1, $2, {places})",
            endpoint_id,
            *values.values(),
        )
        return Endpoint(endpoint_id, await self.secret(endpoint_id))

    async def secret(self, endpoint_id: UUID, *, overlap: timedelta | None = None) -> str:
        """A new current secret; the one before signs on for `overlap`."""
        now = self.context.clock.now()
        if overlap is not None:
            await self.world.execute(
                "update webhook_secrets set expires_at = $3"
                " where tenant_id = $1 and endpoint_id = $2 and expires_at is null",
                endpoint_id,
                now + overlap,
            )
        key, secret_id, secret = await self.key(), IDS.new(), new_secret(os.urandom)
        await self.world.execute(
            "insert into webhook_secrets (tenant_id, endpoint_id, secret_id, secret, created_at)"
            " values ($1, $2, $3, $4, $5)",
            endpoint_id,
            secret_id,
            key.seal(secret, SECRET, secret_id.bytes),
            now,
        )
        return secret_text(secret)

    async def happen(
        self,
        amount: int = 1,
        *,
        resource_id: UUID | None = None,
        event_type: EventType = EventType.TURN_COMPLETED,
        facts: msgspec.Struct | None = None,
        at: datetime | None = None,
    ) -> list[UUID]:
        """Events, committed and placed."""
        resource_id = resource_id or IDS.new()
        event_ids = [IDS.new() for _ in range(amount)]
        async with tenant_tx(self.world.database, self.tenant_id) as connection:
            for event_id in event_ids:
                await add_event(
                    connection,
                    self.tenant_id,
                    event_id,
                    event_type,
                    resource_id,
                    facts or _Facts(),
                    now=at or self.context.clock.now(),
                )
        await self.place()
        return event_ids

    async def learner(self, external_id: str = "somebody") -> UUID:
        """A learner with a key of their own."""
        learner_id, key = IDS.new(), await self.key()
        wrapped = key.new_learner_key(learner_id)
        own = key.learner_key(learner_id, wrapped)
        await self.world.execute(
            "insert into learners (tenant_id, learner_id, person_id, external_id,"
            " external_id_hash, created_at) values ($1, $2, $2, $3, $4, now())",
            learner_id,
            own.seal_text(external_id, "learners.external_id", learner_id.bytes),
            key.lookup(external_id),
        )
        await self.world.execute(
            "insert into learner_keys values ($1, $2, $3)",
            learner_id,
            wrapped,
        )
        return learner_id

    async def simulation(self, learner_id: UUID, *, said: str | None = None) -> UUID:
        """A simulation of this learner; `said` is the customer's turn 2."""
        simulation_id = await self.world.simulation(last_seq=2)
        await self.world.execute(
            "update simulations set learner_id = $3 where tenant_id = $1 and simulation_id = $2",
            simulation_id,
            learner_id,
        )
        if said is not None:
            async with tenant_tx(self.world.database, self.tenant_id) as connection:
                key = await self.keys.learner(connection, self.tenant_id, learner_id)
            await self.world.execute(
                "insert into turns (tenant_id, simulation_id, seq, turn_id, role, text, created_at)"
                " values ($1, $2, 2, $3, 'customer', $4, now())",
                simulation_id,
                IDS.new(),
                key.seal_text(said, "turns.text", turn_row(simulation_id, 2)),
            )
        return simulation_id

    async def place(self) -> None:
        relay = Relay(self.context, self.context.publisher._client)
        async with system_tx(self.world.database) as connection:
            while await relay.place(connection):
                pass

    # -- what is there

    async def deliveries(self, endpoint: Endpoint | None = None) -> list[Any]:
        return await self.world.fetch(
            "select * from webhook_deliveries where tenant_id = $1"
            " and ($2::uuid is null or endpoint_id = $2) order by delivery_id",
            None if endpoint is None else endpoint.endpoint_id,
        )

    async def statuses(self, endpoint: Endpoint | None = None) -> set[str]:
        return {row["status"] for row in await self.deliveries(endpoint)}

    async def attempts(self, delivery_id: UUID) -> list[Any]:
        return await self.world.fetch(
            "select * from webhook_attempts where tenant_id = $1 and delivery_id = $2"
            " order by number",
            delivery_id,
        )

    async def row(self, endpoint: Endpoint) -> Any:
        return await self.world.one(
            "select * from webhook_endpoints where tenant_id = $1 and endpoint_id = $2",
            endpoint.endpoint_id,
        )

    async def event_types(self) -> list[str]:
        """Operational events of the tenant, in order."""
        rows = await self.world.fetch(
            "select type from events where tenant_id = $1 and type like 'endpoint.%'"
            " order by event_id"
        )
        return [row["type"] for row in rows]

    async def body(self, delivery: Mapping[str, Any]) -> bytes:
        key = await self.key()
        return key.open(delivery["body"], BODY, delivery["delivery_id"].bytes)

    async def response(self, attempt: Mapping[str, Any]) -> bytes:
        key = await self.key()
        row = attempt_row(attempt["delivery_id"], attempt["number"])
        return key.open(attempt["response"], RESPONSE, row)


class Engine:
    """Fan-out and sender without their loops: a test says when they look."""

    def __init__(
        self,
        context: Context,
        keys: KeyRing,
        *,
        chance: Chance = lambda: 0.5,
        resolver: Resolver | None = None,
    ) -> None:
        self.outbound = Outbound(
            context.settings, connections=context.settings.webhook_slots, resolver=resolver
        )
        self.recorder = Recorder(context)
        self.sender = Sender(
            context, Taker(context, keys), self.outbound, self.recorder, chance=chance
        )
        self.fan_out = FanOut(context, keys, self.sender.hint)
        self.quiet_fan_out = FanOut(context, keys, lambda *_, **__: None)
        """Writes deliveries without telling the sender."""

    async def deliver(self, *tenants: UUID) -> None:
        """Fan out and send everything that is due."""
        for tenant_id in tenants:
            while await self.fan_out.work(tenant_id):
                pass
        await self.sender.look()
        await self.sender.settle()

    async def close(self) -> None:
        await self.sender.stop(0)
        await self.recorder.settle(1)
        await self.outbound.close()
