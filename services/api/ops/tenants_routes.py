"""HTTP face of tenants."""

from services.api.context import ProcessContext
from services.api.endpoint import Answer, Endpoint, endpoint
from services.api.ops.access import LIMITS, READ, TENANTS
from services.api.ops.reception import OpsCall
from services.api.ops.tenants import OpsTenants, row_of
from services.api.ops.tenants_schemas import (
    CreatedTenant,
    LimitsBody,
    LimitsView,
    NewTenant,
    PlanBody,
    StatusBody,
    TenantPage,
    TenantsQuery,
    TenantStorage,
    TenantView,
    TenantWorkload,
)
from services.api.ops.watching import Watcher, since_of
from services.api.paging import make_page
from shared.errors import ConflictError, CursorInvalidError, NotFoundError
from shared.ids import format_id

WINDOW_MIN = 5
"""Minutes of load that the view of one tenant shows."""

MOST_ROWS = 100
"""More queues or kinds of work than one tenant can have."""


class TenantRoutes:
    """`/ops/v1/tenants`."""

    def __init__(self, context: ProcessContext, tenants: OpsTenants, watcher: Watcher) -> None:
        self._context = context
        self._tenants = tenants
        self._watcher = watcher

    @endpoint(
        Endpoint(
            method="GET",
            path="/ops/v1/tenants",
            scope=READ,
            query=TenantsQuery,
            answers={200: TenantPage},
            problems=(CursorInvalidError,),
        )
    )
    async def list_tenants(self, call: OpsCall) -> Answer:
        """List tenants, the oldest first."""
        query: TenantsQuery = call.query
        rows = await self._tenants.find(call.page, query.status, query.plan, query.slug)
        return Answer(body=make_page(rows, call.page, lambda row: row["tenant_id"], row_of))

    @endpoint(
        Endpoint(
            method="POST",
            path="/ops/v1/tenants",
            scope=TENANTS,
            body=NewTenant,
            answers={201: CreatedTenant},
            problems=(ConflictError,),
            idempotency="accepted",
        )
    )
    async def create_tenant(self, call: OpsCall) -> Answer:
        """Create a tenant with the built-in library, and its first key, which is shown once.

        With an `Idempotency-Key` a repeat finds the tenant, without the key: make another one.
        """
        body: NewTenant = call.body
        made, is_repeat = await self._tenants.create(
            call.operator, body, call.claim, call.request_id
        )
        return Answer(body=made, status=201, replayed=is_repeat)

    @endpoint(
        Endpoint(
            method="GET",
            path="/ops/v1/tenants/{tenant_id:ten}",
            scope=READ,
            answers={200: TenantView},
            problems=(NotFoundError,),
        )
    )
    async def get_tenant(self, call: OpsCall) -> Answer:
        """Get a tenant with its state, plan, limits, sizes and what it has queued."""
        return Answer(body=await self._tenants.get(call.ids["tenant_id"]))

    @endpoint(
        Endpoint(
            method="PUT",
            path="/ops/v1/tenants/{tenant_id:ten}/plan",
            scope=LIMITS,
            body=PlanBody,
            answers={200: LimitsView},
            problems=(NotFoundError,),
        )
    )
    async def put_plan(self, call: OpsCall) -> Answer:
        """Give a tenant another plan; it counts within five seconds."""
        body: PlanBody = call.body
        tenant_id = call.ids["tenant_id"]
        await self._tenants.set_plan(call.operator, tenant_id, body.plan, call.request_id)
        return Answer(body=(await self._tenants.get(tenant_id)).limits)

    @endpoint(
        Endpoint(
            method="PATCH",
            path="/ops/v1/tenants/{tenant_id:ten}/limits",
            scope=LIMITS,
            body=LimitsBody,
            answers={200: LimitsView},
            problems=(NotFoundError,),
        )
    )
    async def patch_limits(self, call: OpsCall) -> Answer:
        """Let limits differ from the plan, or leave them to it again; all of them or none."""
        body: LimitsBody = call.body
        tenant_id = call.ids["tenant_id"]
        await self._tenants.change_limits(call.operator, tenant_id, body, call.request_id)
        return Answer(body=(await self._tenants.get(tenant_id)).limits)

    @endpoint(
        Endpoint(
            method="PUT",
            path="/ops/v1/tenants/{tenant_id:ten}/status",
            scope=TENANTS,
            body=StatusBody,
            answers={200: TenantView},
            problems=(NotFoundError,),
        )
    )
    async def put_status(self, call: OpsCall) -> Answer:
        """Pause, drain, suspend or resume a tenant; work in hand goes on to its end."""
        body: StatusBody = call.body
        tenant_id = call.ids["tenant_id"]
        await self._tenants.set_status(call.operator, tenant_id, body.status, call.request_id)
        return Answer(body=await self._tenants.get(tenant_id))

    @endpoint(
        Endpoint(
            method="GET",
            path="/ops/v1/tenants/{tenant_id:ten}/workload",
            scope=READ,
            answers={200: TenantWorkload},
            problems=(NotFoundError,),
        )
    )
    async def get_tenant_workload(self, call: OpsCall) -> Answer:
        """Get what one tenant has queued, did in the last five minutes, and spends."""
        tenant_id = call.ids["tenant_id"]
        await self._tenants.check(tenant_id)
        since = since_of(self._context.clock.now(), WINDOW_MIN)
        queues, _ = await self._watcher.queues(
            "oldest_age", MOST_ROWS, tenant_id=tenant_id, kind=None
        )
        load, _ = await self._watcher.load(
            since, "count", MOST_ROWS, tenant_id=tenant_id, kind=None
        )
        usd, in_flight = await self._watcher.cost(tenant_id)
        return Answer(
            body=TenantWorkload(
                tenant_id=format_id("ten", tenant_id),
                since=since,
                queues=queues,
                load=load,
                month_usd=usd,
                calls_in_flight=in_flight,
            )
        )

    @endpoint(
        Endpoint(
            method="GET",
            path="/ops/v1/tenants/{tenant_id:ten}/storage",
            scope=READ,
            answers={200: TenantStorage},
            problems=(NotFoundError,),
        )
    )
    async def get_tenant_storage(self, call: OpsCall) -> Answer:
        """Estimate what one tenant takes on disk, by table.

        Rows are counted, their width is that of some; a tenant of millions takes a second or two.
        """
        return Answer(body=await self._tenants.storage(call.ids["tenant_id"]))
