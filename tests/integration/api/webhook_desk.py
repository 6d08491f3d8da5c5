"""A tenant with a webhook endpoint, events written by hand, and a fan-out that is told when."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from services.api.context import ProcessContext
from services.orchestrator.repository import place_events
from shared.clock import SystemClock
from shared.contracts.event_catalog import CATALOG
from shared.contracts.events import EventType
from shared.db.tx import system_tx, tenant_tx
from shared.ids import parse_id
from shared.webhooks import sealing
from shared.webhooks.deliveries import list_subscribers, read_events, write_deliveries
from tests.integration.api.conftest import IDS, Partner

URL = "https://hooks.example.com/in"
PATH = "/v1/webhook_endpoints"


class Desk:
    """A tenant with one endpoint, events written by hand, and a fan-out that is told when."""

    def __init__(self, partner: Partner, context: ProcessContext) -> None:
        self.partner = partner
        self.tenant_id = partner.tenant.tenant_id
        self.endpoint = ""
        self._database, self._keys = context.database, context.keys

    async def open(self, **fields: Any) -> str:
        response = await self.partner.post(PATH, {"url": URL, **fields})
        assert response.status_code == 201, response.text
        self.endpoint = response.json()["id"]
        return self.endpoint

    async def emit(
        self,
        count: int = 1,
        *,
        minutes_ago: float = 0,
        event_type: EventType = EventType.TURN_COMPLETED,
        resource_id: UUID | None = None,
    ) -> list[UUID]:
        """Write placed events of one resource; return their ids."""
        resource_id, made = resource_id or IDS.new(), [IDS.new() for _ in range(count)]
        at = SystemClock().now() - timedelta(minutes=minutes_ago)
        async with tenant_tx(self._database, self.tenant_id) as connection:
            await connection.executemany(
                "insert into events"
                " (tenant_id, event_id, type, resource_id, sequence, data, occurred_at)"
                " values ($1, $2, $3, $4, $5, $6, $7)",
                [
                    (
                        self.tenant_id,
                        event_id,
                        event_type.value,
                        resource_id,
                        number,
                        json.dumps(CATALOG[event_type].example),
                        at,
                    )
                    for number, event_id in enumerate(made, start=1)
                ],
            )
        async with system_tx(self._database) as connection:
            await place_events(connection)
        return made

    async def fan_out(self) -> None:
        """Write the deliveries that the orchestrator would."""
        async with tenant_tx(self._database, self.tenant_id) as connection:
            events = await read_events(connection, self.tenant_id, 0, 10_000)
            await write_deliveries(
                connection,
                self._keys,
                self.tenant_id,
                events,
                await list_subscribers(connection, self.tenant_id),
                ids=IDS,
                now=SystemClock().now(),
            )

    async def settle(self, status: str, event_ids: Sequence[UUID]) -> None:
        """End the pending deliveries of these events so."""
        async with tenant_tx(self._database, self.tenant_id) as connection:
            await connection.execute(
                "update webhook_deliveries set status = $2, next_attempt_at = null,"
                " finished_at = now() where tenant_id = $1 and event_id = any ($3)"
                " and status = 'pending'",
                self.tenant_id,
                status,
                list(event_ids),
            )

    async def note_attempt(self, delivery: str, number: int, response: bytes) -> None:
        """Write an attempt as a sender would."""
        delivery_id = parse_id("dlv", delivery)
        async with tenant_tx(self._database, self.tenant_id) as connection:
            key = await self._keys.tenant(connection, self.tenant_id)
            sealed = key.seal(response, sealing.RESPONSE, sealing.attempt_row(delivery_id, number))
            await connection.execute(
                "insert into webhook_attempts values ($1, $2, $3, now(), 12, 'failed', 503, null, $4,"
                " now())",
                self.tenant_id,
                delivery_id,
                number,
                sealed,
            )

    async def log(self, **query: Any) -> list[dict[str, Any]]:
        response = await self.partner.get(f"{PATH}/{self.endpoint}/deliveries", params=query)
        assert response.status_code == 200, response.text
        found: list[dict[str, Any]] = response.json()["data"]
        return found

    async def recover(self, key: str = "", **body: Any) -> httpx.Response:
        body = {"since": (datetime.now(UTC) - timedelta(hours=1)).isoformat()} | body
        return await self.partner.post(f"{PATH}/{self.endpoint}/recover", body, key=key)

    async def event_ids(self) -> list[UUID]:
        async with tenant_tx(self._database, self.tenant_id) as connection:
            rows = await connection.fetch("select event_id from events")
        return [row["event_id"] for row in rows]

    async def rest(self) -> None:
        """Let a minute pass since the last recovery."""
        async with tenant_tx(self._database, self.tenant_id) as connection:
            await connection.execute(
                "update webhook_endpoints set recovered_at = recovered_at - interval '61 s'"
                " where tenant_id = $1",
                self.tenant_id,
            )
