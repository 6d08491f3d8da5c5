"""Deliveries and their attempts in Postgres."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from services.api.paging import PageRequest
from services.api.webhooks.records import Attempt, Delivery, NewDelivery
from shared.contracts.webhooks import DeliveryStatus
from shared.db.pool import Connection
from shared.db.sealed import SealKey, TenantKey
from shared.db.sql import Queries
from shared.errors import NotFoundError
from shared.webhooks import sealing

_SQL = Queries("services.api.webhooks", "deliveries.sql")

_PLAIN = tuple(name for name in Delivery.__struct_fields__ if name not in {"attempts", "body"})


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery with what is needed to make another one of it."""

    delivery: Delivery
    learner_id: UUID | None
    """Whose key seals the body; None: the tenant's."""


class DeliveryRepository:
    """Statements of one transaction of the tenant that owns the key."""

    def __init__(self, connection: Connection, tenant: TenantKey) -> None:
        self._connection = connection
        self._tenant = tenant
        self._tenant_id = tenant.tenant_id

    async def insert(self, made: Sequence[NewDelivery], now: datetime) -> None:
        """Store deliveries of one endpoint that are due now."""
        await self._connection.execute(
            _SQL["insert_deliveries"],
            self._tenant_id,
            [each.delivery_id for each in made],
            [each.endpoint_id for each in made],
            [each.event_id for each in made],
            [each.event_type for each in made],
            [each.position for each in made],
            [each.trigger for each in made],
            [each.learner_id for each in made],
            [each.body for each in made],
            now,
        )

    async def get(self, delivery_id: UUID) -> Kept:
        """Return a delivery with its body and attempts.

        Raises:
            NotFoundError: there is none.
        """
        row = await self._connection.fetchrow(_SQL["get_delivery"], self._tenant_id, delivery_id)
        if row is None:
            raise NotFoundError
        key = self._key(row)
        attempts = await self._attempts([row])
        body = None if key is None else key.open(row["body"], sealing.BODY, delivery_id.bytes)
        delivery = _delivery(row, attempts.get(delivery_id, ()), body)
        return Kept(delivery=delivery, learner_id=row["learner_id"])

    async def list_page(
        self,
        endpoint_id: UUID,
        page: PageRequest,
        status: DeliveryStatus | None,
        event_type: str | None,
    ) -> list[Delivery]:
        """Return `page.limit + 1` deliveries of an endpoint, if there are so many, newest first."""
        rows = await self._connection.fetch(
            _SQL["list_deliveries"],
            self._tenant_id,
            endpoint_id,
            page.after,
            status,
            event_type,
            page.limit + 1,
        )
        attempts = await self._attempts(rows)
        return [_delivery(row, attempts.get(row["delivery_id"], ())) for row in rows]

    async def learner_key(self, learner_id: UUID) -> SealKey | None:
        """Return a learner's key; None when the learner was erased."""
        wrapped = await self._connection.fetchval(_SQL["learner_key"], self._tenant_id, learner_id)
        return None if wrapped is None else self._tenant.learner_key(learner_id, wrapped)

    # -- recovery

    async def lock_recovery(self, endpoint_id: UUID) -> None:
        """Let nobody else recover for this endpoint until the transaction ends."""
        await self._connection.execute(_SQL["lock_recovery"], self._tenant_id, endpoint_id)

    async def out_of_reach(
        self, endpoint_id: UUID, event_ids: Sequence[UUID], *, is_arrival_enough: bool
    ) -> frozenset[UUID]:
        """Return those of the events that wait for the endpoint or, if that is enough, arrived."""
        rows = await self._connection.fetch(
            _SQL["out_of_reach"], self._tenant_id, endpoint_id, list(event_ids), is_arrival_enough
        )
        return frozenset(row["event_id"] for row in rows)

    async def earliest(self, after: int, until: int) -> datetime | None:
        """Return when the earliest of the events in these positions happened."""
        at: datetime | None = await self._connection.fetchval(
            _SQL["earliest"], self._tenant_id, after, until
        )
        return at

    async def _attempts(self, rows: Sequence[asyncpg.Record]) -> dict[UUID, tuple[Attempt, ...]]:
        keys = {row["delivery_id"]: self._key(row) for row in rows}
        found: dict[UUID, tuple[Attempt, ...]] = {}
        for row in await self._connection.fetch(_SQL["list_attempts"], self._tenant_id, list(keys)):
            delivery_id = row["delivery_id"]
            attempt = _attempt(row, keys[delivery_id])
            found[delivery_id] = (*found.get(delivery_id, ()), attempt)
        return found

    def _key(self, row: asyncpg.Record) -> SealKey | None:
        """Return what opens a delivery; None when its person was erased."""
        learner_id, wrapped = row["learner_id"], row["wrapped"]
        if learner_id is None:
            return self._tenant
        return None if wrapped is None else self._tenant.learner_key(learner_id, wrapped)


def _delivery(
    row: asyncpg.Record, attempts: tuple[Attempt, ...], body: bytes | None = None
) -> Delivery:
    plain = {name: row[name] for name in _PLAIN}
    return msgspec.convert(plain | {"attempts": attempts, "body": body}, Delivery)


def _attempt(row: asyncpg.Record, key: SealKey | None) -> Attempt:
    sealed, response = row["response"], None
    if sealed is not None and key is not None:
        place = sealing.attempt_row(row["delivery_id"], row["number"])
        response = key.open(sealed, sealing.RESPONSE, place)
    plain = {name: row[name] for name in Attempt.__struct_fields__}
    return msgspec.convert(plain | {"response": response}, Attempt)
