"""The operators' routes, put together."""

from typing import Any, cast

from litestar.handlers import HTTPRouteHandler

from services.api.context import ProcessContext
from services.api.endpoint import Desk, Endpoint, endpoints_of
from services.api.ops.dead import DeadLetters
from services.api.ops.document import ops_document_handler
from services.api.ops.keys_routes import OpsKeyRoutes
from services.api.ops.reception import OpsDesk, OpsHandler, ops_route_handler
from services.api.ops.stuck import StuckDesk
from services.api.ops.stuck_routes import StuckRoutes
from services.api.ops.tenants import OpsTenants
from services.api.ops.tenants_routes import TenantRoutes
from services.api.ops.usage import UsageLedger
from services.api.ops.usage_routes import OpsUsageRoutes
from services.api.ops.watching import Watcher
from services.api.ops.watching_routes import WatchingRoutes


def ops_endpoints(context: ProcessContext) -> list[tuple[Endpoint, OpsHandler]]:
    """Return every operation of the operators' API with its handler."""
    watcher = Watcher(context)
    stuck = StuckDesk(context, watcher)
    routes: tuple[Any, ...] = (
        WatchingRoutes(context, watcher, stuck),
        TenantRoutes(context, OpsTenants(context), watcher),
        StuckRoutes(stuck, DeadLetters(context)),
        OpsUsageRoutes(context, UsageLedger(context)),
        OpsKeyRoutes(context),
    )
    found = [pair for each in routes for pair in endpoints_of(each)]
    # They are marked like a tenant's endpoints and take an `OpsCall`.
    return cast("list[tuple[Endpoint, OpsHandler]]", found)


def ops_handlers(context: ProcessContext, desk: Desk) -> list[HTTPRouteHandler]:
    """Return the routes; `desk` is the tenants', whose cursors and claims are used here as well."""
    ops_desk = OpsDesk(context=context, cursors=desk.cursors, claims=desk.claims)
    endpoints = ops_endpoints(context)
    return [
        *(ops_route_handler(contract, handler, ops_desk) for contract, handler in endpoints),
        ops_document_handler(endpoints),
    ]
