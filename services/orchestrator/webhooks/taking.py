"""Taking due deliveries under a lease, opened and ready to be sent."""

import os
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from services.orchestrator.context import Context
from services.orchestrator.webhooks.repository import TakenRow, Target, WebhookRepository
from shared.contracts.base import Record
from shared.db.keys import KeyRing
from shared.db.pool import Connection
from shared.db.sealed import RandomBytes, SealKey, TenantKey, UnsealError
from shared.db.tx import tenant_tx
from shared.errors import NotFoundError
from shared.log import get_logger
from shared.telemetry import trace
from shared.webhooks.keys import ensure_signing_pair, live_private_keys
from shared.webhooks.sealing import BODY, SECRET, URL, delivery_key

log = get_logger()

LEASE_MARGIN_S = 15.0
"""Seconds beyond the time limit of a request in which its result must be recorded."""

PACE_S = 0.2
"""Seconds' worth of deliveries that an endpoint with a rate of its own gets at once."""


class Delivery(Record, frozen=True, kw_only=True):
    """A delivery under our lease, with the bytes to send."""

    row: TakenRow
    body: bytes
    key: SealKey
    """Seals what the receiver answers."""
    trace: str = ""
    """Traceparent of what made the event happen; empty where nothing is recorded."""


class Taken(Record, frozen=True, kw_only=True):
    """What was due at an endpoint, and how it is sent."""

    url: str = ""
    secrets: tuple[bytes, ...] = ()
    private_keys: tuple[bytes, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    is_failing: bool = False
    wait_s: float | None = None
    """More may be due so soon; None: nothing is known."""


class Taker:
    """Takes deliveries; another process that asks at the same time gets others."""

    def __init__(
        self, context: Context, keys: KeyRing, *, random: RandomBytes = os.urandom
    ) -> None:
        self._context = context
        self._keys = keys
        self._random = random

    async def take(self, tenant_id: UUID, endpoint_id: UUID, amount: int) -> Taken:
        """Take up to `amount` deliveries that are due now.

        Raises:
            asyncpg.PostgresError, OSError: nothing was taken.
        """
        now = self._context.clock.now()
        async with tenant_tx(self._context.database, tenant_id) as connection:
            repository = WebhookRepository(connection, tenant_id)
            target = await repository.find_target(endpoint_id)
            if target is None or target.status != "enabled":
                return Taken()
            if target.not_before is not None and target.not_before > now:
                return Taken()
            rows, wait_s = await self._take(repository, endpoint_id, target, amount)
            if not rows:
                return Taken(wait_s=wait_s)
            tenant = await self._keys.tenant(connection, tenant_id)
            secrets = [
                tenant.open(sealed, SECRET, secret_id.bytes)
                for secret_id, sealed in await repository.list_secrets(endpoint_id, now)
            ]
            traces = await repository.traces(rows) if trace.is_on() else {}
            return Taken(
                url=tenant.open_text(target.url, URL, endpoint_id.bytes),
                secrets=tuple(secrets),
                private_keys=tuple(await self._private_keys(connection, tenant_id, tenant)),
                deliveries=tuple(
                    [
                        opened
                        for row in rows
                        if (opened := await self._open(connection, tenant_id, row, traces))
                        is not None
                    ]
                ),
                is_failing=target.failures > 0,
                wait_s=wait_s,
            )

    async def _take(
        self, repository: WebhookRepository, endpoint_id: UUID, target: Target, amount: int
    ) -> tuple[list[TakenRow], float | None]:
        """Return what was taken, and when more may be if the endpoint has a rate of its own."""
        now = self._context.clock.now()
        rate = target.rate_per_s
        if rate is not None:
            paced_until = await repository.lock_pace(endpoint_id)
            if paced_until is not None and paced_until > now:
                return [], (paced_until - now).total_seconds()
            amount = min(amount, max(int(rate * PACE_S), 1))
        lease_s = self._context.settings.webhook_timeout_s + LEASE_MARGIN_S
        rows = await repository.take(endpoint_id, amount, now, now + timedelta(seconds=lease_s))
        rows.sort(key=lambda row: row.delivery_id)
        if rate is None or not rows:
            return rows, None
        pause_s = len(rows) / rate
        await repository.set_pace(endpoint_id, now + timedelta(seconds=pause_s))
        return rows, pause_s

    async def _private_keys(
        self, connection: Connection, tenant_id: UUID, tenant: TenantKey
    ) -> list[bytes]:
        now = self._context.clock.now()
        found = await live_private_keys(connection, tenant_id, tenant, now)
        if found:
            return found
        await ensure_signing_pair(
            connection, tenant_id, tenant, ids=self._context.ids, random=self._random, now=now
        )
        return await live_private_keys(connection, tenant_id, tenant, now)

    async def _open(
        self, connection: Connection, tenant_id: UUID, row: TakenRow, traces: Mapping[UUID, str]
    ) -> Delivery | None:
        """Return the delivery with its bytes; what cannot be opened any more is discarded."""
        try:
            key = await delivery_key(self._keys, connection, tenant_id, row.learner_id)
            body = key.open(row.body, BODY, row.delivery_id.bytes)
        except (NotFoundError, UnsealError) as error:
            log.info(
                "webhook.discarded",
                delivery_id=str(row.delivery_id),
                error=type(error).__name__,
            )
            repository = WebhookRepository(connection, tenant_id)
            await repository.discard(row.delivery_id, self._context.clock.now())
            return None
        return Delivery(row=row, body=body, key=key, trace=traces.get(row.delivery_id, ""))
