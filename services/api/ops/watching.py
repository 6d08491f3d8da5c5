"""What is going on, read as the system role: queues, load, cost, processes, lags, webhooks."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from services.api.context import ProcessContext
from services.api.ops.access import SQL
from services.api.ops.watching_schemas import (
    Busy,
    ConsumerLag,
    Endpoint,
    FleetLoad,
    Lane,
    Load,
    Process,
    Queue,
    Stream,
    Table,
    Times,
)
from shared.contracts.jobs import JobKind
from shared.contracts.subjects import job_stream
from shared.db.pool import Connection
from shared.db.tx import system_tx
from shared.ids import format_id
from shared.llm.money import dollars
from shared.load.heartbeat import LOST_AFTER
from shared.load.histogram import middle_of
from shared.log import get_logger
from shared.telemetry.measures import Kind

log = get_logger()

QueueSort = Literal["oldest_age", "waiting", "in_flight", "dead"]
LoadSort = Literal["count", "failed", "refused", "p95"]
BusySort = Literal[
    "oldest_age", "waiting", "in_flight", "dead", "done", "failed", "turn_p95", "cost"
]

STREAM_INFO_S: Final = 1.0
"""Longest wait for what NATS says of one stream."""


def month_of(now: datetime) -> date:
    """Return the first day of the month in UTC."""
    return now.astimezone(UTC).date().replace(day=1)


def since_of(now: datetime, minutes: int) -> datetime:
    """Return the beginning of the window: whole minutes, as they are stored."""
    return now.replace(second=0, microsecond=0) - timedelta(minutes=minutes)


class Watcher:
    """Reads numbers across tenants; each method is one transaction."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def queues(
        self, sort: QueueSort, limit: int, *, tenant_id: UUID | None, kind: JobKind | None
    ) -> tuple[list[Queue], int]:
        """Return queues that hold anything, the worst first, and how many there are in all."""
        lane = None if kind is None else kind.value
        rows = await self._fetch("queues", self._now, tenant_id, sort, lane, limit)
        return [_queue(row) for row in rows], _of(rows)

    async def lanes(self) -> list[Lane]:
        """Return the queues of all tenants together."""
        rows = await self._fetch("lanes", self._now)
        return [
            Lane(**{**row, "oldest_age_s": _seconds(row["oldest_age_s"])})
            for row in map(dict, rows)
        ]

    async def load(
        self,
        since: datetime,
        sort: LoadSort,
        limit: int,
        *,
        tenant_id: UUID | None,
        kind: Kind | None,
    ) -> tuple[list[Load], int]:
        """Return what ended since then by tenant and kind, and how many pairs there are in all."""
        minutes = self._minutes(since)
        rows = await self._fetch("load", since, tenant_id, kind, sort, limit)
        return [
            Load(tenant_id=format_id("ten", row["tenant_id"]), **_done(row, minutes))
            for row in rows
        ], _of(rows)

    async def fleet_load(self, since: datetime) -> list[FleetLoad]:
        """Return the same over all tenants."""
        minutes = self._minutes(since)
        rows = await self._fetch("fleet_load", since)
        return [FleetLoad(tenants=row["tenants"], **_done(row, minutes)) for row in rows]

    async def busy(self, since: datetime, sort: BusySort, limit: int) -> tuple[list[Busy], int]:
        """Return tenants that hold or did anything, the worst first, and how many in all."""
        now = self._now
        minutes = self._minutes(since)
        rows = await self._fetch("busy_tenants", now, since, month_of(now), sort, limit)
        return [_busy(row, minutes) for row in rows], _of(rows)

    async def tenants_by_status(self) -> dict[str, int]:
        """Return how many tenants there are in each state."""
        rows = await self._fetch("tenants_by_status")
        return {row["status"]: row["tenants"] for row in rows}

    async def cost(self, tenant_id: UUID | None) -> tuple[str, int]:
        """Return US dollars spent at models this month, and calls under way."""
        (row,) = await self._fetch("cost", month_of(self._now), tenant_id)
        return dollars(row["spent_microusd"]), row["in_flight"]

    async def processes(self) -> list[Process]:
        """Return what runs, and what ended without a word in the last day."""
        now = self._now
        rows = await self._fetch("processes")
        return [
            Process(
                id=format_id("proc", row["process_id"]),
                service=row["service"],
                version=row["version"],
                started_at=row["started_at"],
                seen_at=row["seen_at"],
                is_alive=now - row["seen_at"] < LOST_AFTER,
                facts=msgspec.json.decode(row["numbers"], type=dict[str, float]),
            )
            for row in rows
        ]

    async def outbox(self) -> tuple[int, float]:
        """Return how many events wait for the relay, and the age of the oldest in seconds."""
        (row,) = await self._fetch("outbox", self._now)
        return row["waiting"], _seconds(row["oldest_age_s"])

    async def consumers(self) -> list[ConsumerLag]:
        """Return who is behind the feed of events; who is not is left out."""
        rows = await self._fetch("consumer_lag", self._now)
        return [
            ConsumerLag(
                consumer=row["consumer"],
                tenants=row["tenants"],
                events=row["events"],
                oldest_age_s=_seconds(row["oldest_age_s"]),
            )
            for row in rows
        ]

    async def streams(self) -> list[Stream]:
        """Return what NATS holds of each lane; None where it does not answer."""
        return [await self._stream(kind) for kind in JobKind]

    async def _stream(self, kind: JobKind) -> Stream:
        name = job_stream(kind)
        jetstream = self._context.nats.jetstream(timeout=STREAM_INFO_S)
        try:
            state = (await jetstream.stream_info(name)).state
        except Exception as error:  # NATS away, or the stream is not made yet: a finding
            log.info("ops.stream_unknown", stream=name, error=type(error).__name__)
            return Stream(stream=name, messages=None, consumers=None)
        return Stream(stream=name, messages=state.messages, consumers=state.consumer_count)

    async def webhooks(self, tenant_id: UUID | None, limit: int) -> tuple[list[Endpoint], int]:
        """Return endpoints, the longest failing first, and how many there are in all.

        Of all tenants only those that fail, are switched off for it, or hold deliveries.
        """
        rows = await self._fetch("webhooks", self._now, tenant_id, limit)
        return [_endpoint(row) for row in rows], _of(rows)

    async def tables(self) -> list[Table]:
        """Return the product's tables by their size on disk."""
        return [Table(**row) for row in map(dict, await self._fetch("fleet_storage"))]

    async def _fetch(self, name: str, *arguments: object) -> list[Any]:
        async with system_tx(self._context.database) as connection:
            return await fetch(connection, name, *arguments)

    def _minutes(self, since: datetime) -> float:
        return max((self._now - since).total_seconds() / 60, 1 / 60)

    @property
    def _now(self) -> datetime:
        return self._context.clock.now()


async def fetch(connection: Connection, name: str, *arguments: object) -> list[Any]:
    """Return the rows of a query of this room."""
    return await connection.fetch(SQL[name], *arguments)


def _of(rows: list[Any]) -> int:
    return rows[0]["of"] if rows else 0


def _seconds(value: float) -> float:
    return round(max(value, 0.0), 3)


def _queue(row: Any) -> Queue:
    return Queue(
        tenant_id=format_id("ten", row["tenant_id"]),
        kind=row["kind"],
        waiting=row["waiting"],
        in_flight=row["in_flight"],
        dead=row["dead"],
        oldest_age_s=_seconds(row["oldest_age_s"]),
    )


def _done(row: Any, minutes: float) -> dict[str, Any]:
    count = row["ok"] + row["refused"] + row["failed"]
    return {
        "kind": row["kind"],
        "count": count,
        "per_minute": round(count / minutes, 2),
        "refused": row["refused"],
        "failed": row["failed"],
        "seconds": Times(p50=_at(row["p50"]), p95=_at(row["p95"]), p99=_at(row["p99"])),
    }


def _at(bucket: int | None) -> float | None:
    return None if bucket is None else round(middle_of(bucket), 4)


def _busy(row: Any, minutes: float) -> Busy:
    return Busy(
        tenant_id=format_id("ten", row["tenant_id"]),
        slug=row["slug"],
        status=row["status"],
        waiting=row["waiting"],
        in_flight=row["in_flight"],
        dead=row["dead"],
        oldest_age_s=_seconds(row["oldest_age_s"]),
        per_minute=round(row["done"] / minutes, 2),
        failed=row["failed"],
        refused=row["refused"],
        turn_p95_s=_at(row["turn_p95"]),
        month_usd=dollars(row["cost_microusd"]),
    )


def _endpoint(row: Any) -> Endpoint:
    return Endpoint(
        tenant_id=format_id("ten", row["tenant_id"]),
        endpoint_id=format_id("whe", row["endpoint_id"]),
        status=row["status"],
        disabled_reason=row["disabled_reason"],
        disabled_at=row["disabled_at"],
        failing_since=row["failing_since"],
        failures=row["failures"],
        last_success_at=row["last_success_at"],
        waiting=row["waiting"],
        oldest_age_s=_seconds(row["oldest_age_s"]),
        latency_p95_ms=row["p95_ms"],
        last_status_code=row["last_status"],
        last_result=row["last_result"],
    )
