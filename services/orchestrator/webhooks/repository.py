"""Every statement of the delivery engine, typed. The caller owns the transaction."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from services.orchestrator.webhooks.outcome import Outcome
from shared.contracts.base import Record
from shared.contracts.webhooks import DisabledReason
from shared.db.pool import Connection
from shared.db.sql import Queries
from shared.webhooks.health import Health

SQL = Queries("services.orchestrator.webhooks")


class DueEndpoint(Record, frozen=True, kw_only=True):
    """An endpoint with waiting deliveries."""

    tenant_id: UUID
    endpoint_id: UUID
    due_at: datetime
    is_enabled: bool
    is_failing: bool


class Target(Record, frozen=True, kw_only=True):
    """An endpoint as its sender sees it."""

    url: bytes
    """Sealed."""
    status: str
    rate_per_s: int | None
    not_before: datetime | None
    failures: int


class TakenRow(Record, frozen=True, kw_only=True):
    """A delivery under a lease."""

    delivery_id: UUID
    event_id: UUID
    event_type: str
    attempt: int
    """Attempts made before."""
    learner_id: UUID | None
    body: bytes
    """Sealed."""
    created_at: datetime
    is_event: bool
    """Sent because the event happened; not a test, and not again by hand."""


class Attempt(Record, frozen=True, kw_only=True):
    """An attempt that is over."""

    delivery_id: UUID
    number: int
    started_at: datetime
    ended_at: datetime
    latency_ms: int
    status_code: int | None
    error: str | None
    response: bytes | None
    """Sealed."""
    outcome: Outcome


class WebhookRepository:
    """Statements inside one tenant."""

    def __init__(self, connection: Connection, tenant_id: UUID) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def try_position(self) -> int | None:
        """Return and lock how far the fan-out is; None: another process is at it."""
        value: int | None = await self._connection.fetchval(SQL["try_position"], self._tenant_id)
        if value is None:
            await self._connection.execute(SQL["start_position"], self._tenant_id)
            value = await self._connection.fetchval(SQL["try_position"], self._tenant_id)
        return value

    async def move_position(self, position: int) -> None:
        """Store how far the fan-out is."""
        await self._connection.execute(SQL["move_position"], self._tenant_id, position)

    async def find_target(self, endpoint_id: UUID) -> Target | None:
        """Return where deliveries go; None: the endpoint was deleted."""
        row = await self._connection.fetchrow(SQL["target"], self._tenant_id, endpoint_id)
        return None if row is None else msgspec.convert(dict(row), Target)

    async def list_secrets(self, endpoint_id: UUID, now: datetime) -> list[tuple[UUID, bytes]]:
        """Return the live secrets, id and sealed value, the current one first."""
        rows = await self._connection.fetch(SQL["secrets"], self._tenant_id, endpoint_id, now)
        return [(row["secret_id"], row["secret"]) for row in rows]

    async def lock_pace(self, endpoint_id: UUID) -> datetime | None:
        """Return until when nothing more may be taken, locked until the transaction ends."""
        value: datetime | None = await self._connection.fetchval(
            SQL["lock_pace"], self._tenant_id, endpoint_id
        )
        return value

    async def set_pace(self, endpoint_id: UUID, until: datetime) -> None:
        """Store it."""
        await self._connection.execute(SQL["set_pace"], self._tenant_id, endpoint_id, until)

    async def take(
        self, endpoint_id: UUID, amount: int, now: datetime, lease_until: datetime
    ) -> list[TakenRow]:
        """Take up to `amount` due deliveries under a lease."""
        rows = await self._connection.fetch(
            SQL["take_due"], self._tenant_id, endpoint_id, now, lease_until, amount
        )
        return [msgspec.convert(dict(row), TakenRow) for row in rows]

    async def traces(self, rows: Sequence[TakenRow]) -> dict[UUID, str]:
        """Return the traceparent of the event behind each delivery, where there is one."""
        found = await self._connection.fetch(
            SQL["traces"], self._tenant_id, [row.delivery_id for row in rows]
        )
        return {row["delivery_id"]: row["trace"] for row in found}

    async def record(self, attempts: Sequence[Attempt], now: datetime) -> None:
        """Store attempts of different deliveries and what follows from each."""
        columns = zip(*(_columns(attempt) for attempt in attempts), strict=True)
        await self._connection.execute(
            SQL["record_attempts"], self._tenant_id, *map(list, columns), now
        )

    async def note_success(self, endpoint_id: UUID, now: datetime) -> bool:
        """Note that the endpoint works; say whether somebody had been told otherwise."""
        value = await self._connection.fetchval(
            SQL["note_success"], self._tenant_id, endpoint_id, now
        )
        return bool(value)

    async def lock_health(self, endpoint_id: UUID) -> Health | None:
        """Return the endpoint's health, locked; None: the endpoint was deleted."""
        row = await self._connection.fetchrow(SQL["lock_health"], self._tenant_id, endpoint_id)
        return None if row is None else msgspec.convert(dict(row), Health)

    async def set_health(
        self,
        endpoint_id: UUID,
        health: Health,
        *,
        last_success_at: datetime | None,
        pause_until: datetime | None,
    ) -> None:
        """Store the health; None leaves the last success and the pause as they are."""
        await self._connection.execute(
            SQL["set_health"],
            self._tenant_id,
            endpoint_id,
            health.failures,
            health.failing_since,
            health.warned_at,
            last_success_at,
            pause_until,
        )

    async def disable(self, endpoint_id: UUID, reason: DisabledReason, now: datetime) -> bool:
        """Switch the endpoint off; say whether that changed anything."""
        value = await self._connection.fetchval(
            SQL["disable"], self._tenant_id, endpoint_id, reason, now
        )
        return value is not None

    async def discard_waiting(self, endpoint_id: UUID, now: datetime, limit: int) -> int:
        """Discard up to `limit` deliveries that wait at a switched-off endpoint; return how
        many.
        """
        rows = await self._connection.fetch(
            SQL["discard_waiting"], self._tenant_id, endpoint_id, now, limit
        )
        return len(rows)

    async def discard(self, delivery_id: UUID, now: datetime) -> None:
        """Discard one delivery."""
        await self._connection.execute(SQL["discard_one"], self._tenant_id, delivery_id, now)

    async def forget(self, before: UUID, limit: int) -> int:
        """Delete up to `limit` finished deliveries with smaller ids; return how many."""
        rows = await self._connection.fetch(
            SQL["forget_deliveries"], self._tenant_id, before, limit
        )
        return len(rows)


def _columns(attempt: Attempt) -> tuple[object, ...]:
    outcome = attempt.outcome
    return (
        attempt.delivery_id,
        attempt.number,
        attempt.started_at,
        attempt.latency_ms,
        outcome.result,
        attempt.status_code,
        attempt.error,
        attempt.response,
        outcome.status,
        outcome.next_attempt_at,
    )


async def subscribed_tenants(connection: Connection) -> dict[UUID, bool]:
    """Return the tenants with enabled endpoints, and whether events wait for their fan-out."""
    rows = await connection.fetch(SQL["subscribed_tenants"])
    return {row["tenant_id"]: row["is_behind"] for row in rows}


async def due_endpoints(connection: Connection) -> list[DueEndpoint]:
    """Return every endpoint with waiting deliveries and when the first of them is due."""
    rows = await connection.fetch(SQL["due_endpoints"])
    return [msgspec.convert(dict(row), DueEndpoint) for row in rows]
