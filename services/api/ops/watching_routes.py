"""HTTP face of what is going on."""

from typing import Annotated
from uuid import UUID

import msgspec

from services.api.context import ProcessContext
from services.api.endpoint import Answer, Endpoint, endpoint
from services.api.ops.access import READ
from services.api.ops.reception import OpsCall
from services.api.ops.stuck import StuckDesk
from services.api.ops.stuck_schemas import TenantId, tenant_of
from services.api.ops.watching import (
    BusySort,
    LoadSort,
    QueueSort,
    Watcher,
    since_of,
)
from services.api.ops.watching_schemas import (
    Lag,
    LoadView,
    Overview,
    Process,
    Processes,
    Storage,
    Webhooks,
    Workload,
)
from shared.contracts.jobs import JobKind
from shared.telemetry.measures import Kind

Limit = Annotated[int, msgspec.Meta(ge=1, le=1000)]
Minutes = Annotated[int, msgspec.Meta(ge=1, le=1440)]


class WorkloadQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which queues, and what the worst is."""

    sort: QueueSort = "oldest_age"
    limit: Limit = 100
    tenant_id: TenantId | None = None
    kind: JobKind | None = None


class LoadQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which minutes, and what comes first."""

    minutes: Minutes = 5
    sort: LoadSort = "count"
    limit: Limit = 100
    tenant_id: TenantId | None = None
    kind: Kind | None = None


class OverviewQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which minutes, and which tenants come first."""

    minutes: Minutes = 5
    sort: BusySort = "oldest_age"
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 20


class WebhooksQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose endpoints."""

    tenant_id: TenantId | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 100


class WatchingRoutes:
    """Numbers of all tenants."""

    def __init__(self, context: ProcessContext, watcher: Watcher, stuck: StuckDesk) -> None:
        self._context = context
        self._watcher = watcher
        self._stuck = stuck

    @endpoint(
        Endpoint(
            method="GET",
            path="/ops/v1/workload",
            scope=READ,
            query=WorkloadQuery,
            answers={200: Workload},
        )
    )
    async def get_workload(self, call: OpsCall) -> Answer:
        """List queues that hold anything, the worst first, and the lanes of all tenants."""
        query: WorkloadQuery = call.query
        data, total = await self._watcher.queues(
            query.sort, query.limit, tenant_id=tenant_of(query.tenant_id), kind=query.kind
        )
        return Answer(body=Workload(data=data, total=total, fleet=await self._watcher.lanes()))

    @endpoint(
        Endpoint(
            method="GET",
            path="/ops/v1/load",
            scope=READ,
            query=LoadQuery,
            answers={200: LoadView},
        )
    )
    async def get_load(self, call: OpsCall) -> Answer:
        """Get rates, errors and durations of the last minutes, by tenant and of all.

        Minutes are kept for seven days; the window ends now.
        """
        query: LoadQuery = call.query
        since = since_of(self._context.clock.now(), query.minutes)
        data, total = await self._watcher.load(
            since,
            query.sort,
            query.limit,
            tenant_id=tenant_of(query.tenant_id),
            kind=query.kind,
        )
        fleet = await self._watcher.fleet_load(since)
        return Answer(body=LoadView(since=since, data=data, total=total, fleet=fleet))

    @endpoint(
        Endpoint(
            method="GET",
            path="/ops/v1/overview",
            scope=READ,
            query=OverviewQuery,
            answers={200: Overview},
        )
    )
    async def get_overview(self, call: OpsCall) -> Answer:
        """Get everything at a glance; what `rapport ops top` shows."""
        query: OverviewQuery = call.query
        watcher, now = self._watcher, self._context.clock.now()
        since = since_of(now, query.minutes)
        busy, busy_total = await watcher.busy(since, query.sort, query.limit)
        processes = await watcher.processes()
        usd, in_flight = await watcher.cost(None)
        _, failing = await watcher.webhooks(None, 1)
        return Answer(
            body=Overview(
                at=now,
                since=since,
                tenants=await watcher.tenants_by_status(),
                lanes=await watcher.lanes(),
                load=await watcher.fleet_load(since),
                busy=busy,
                busy_total=busy_total,
                processes=processes,
                lag=await self._lag(processes),
                stuck=await self._stuck.count(),
                month_usd=usd,
                calls_in_flight=in_flight,
                failing_endpoints=failing,
            )
        )

    @endpoint(
        Endpoint(
            method="GET",
            path="/ops/v1/webhooks",
            scope=READ,
            query=WebhooksQuery,
            answers={200: Webhooks},
        )
    )
    async def list_webhooks(self, call: OpsCall) -> Answer:
        """List webhook endpoints by their health, the longest failing first.

        Of all tenants those that fail, were switched off for it, or hold deliveries; of one tenant
        all.
        """
        query: WebhooksQuery = call.query
        tenant_id: UUID | None = tenant_of(query.tenant_id)
        data, total = await self._watcher.webhooks(tenant_id, query.limit)
        return Answer(body=Webhooks(data=data, total=total))

    @endpoint(
        Endpoint(method="GET", path="/ops/v1/processes", scope=READ, answers={200: Processes})
    )
    async def list_processes(self, _call: OpsCall) -> Answer:
        """List the processes that run and those that vanished in the last day, with versions."""
        found = await self._watcher.processes()
        return Answer(body=Processes(data=found, versions=_versions(found)))

    @endpoint(Endpoint(method="GET", path="/ops/v1/lag", scope=READ, answers={200: Lag}))
    async def get_lag(self, _call: OpsCall) -> Answer:
        """Get how far the relay, the consumers of events, NATS and Temporal are behind."""
        return Answer(body=await self._lag(await self._watcher.processes()))

    @endpoint(Endpoint(method="GET", path="/ops/v1/storage", scope=READ, answers={200: Storage}))
    async def get_storage(self, _call: OpsCall) -> Answer:
        """Get what the database takes on disk, by table."""
        tables = await self._watcher.tables()
        return Answer(body=Storage(bytes=sum(each.bytes for each in tables), tables=tables))

    async def _lag(self, processes: list[Process]) -> Lag:
        waiting, age = await self._watcher.outbox()
        return Lag(
            outbox_waiting=waiting,
            outbox_oldest_age_s=age,
            consumers=await self._watcher.consumers(),
            streams=await self._watcher.streams(),
            temporal=_temporal(processes),
        )


def _versions(processes: list[Process]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}
    for each in processes:
        if each.is_alive:
            found.setdefault(each.service, set()).add(each.version)
    return {service: sorted(versions) for service, versions in sorted(found.items())}


def _temporal(processes: list[Process]) -> dict[str, float]:
    """Return the worst that a living orchestrator says of its connection, and the longest queue."""
    said = [each.facts for each in processes if each.is_alive and "temporal_answers" in each.facts]
    names = sorted({name for facts in said for name in facts})
    return {
        name: (min if name == "temporal_answers" else max)(
            facts[name] for facts in said if name in facts
        )
        for name in names
    }
