"""What operators see: every tenant's queues, in numbers."""

from typing import Any, Literal

import msgspec
from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse

from services.api.auth import Authenticator
from services.api.endpoint import Answer, respond
from shared.clock import Clock
from shared.db.pool import Database
from shared.db.sql import Queries
from shared.db.tx import system_tx
from shared.ids import format_id

_SQL = Queries("services.api")


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """One lane of one tenant."""

    tenant_id: str
    kind: Literal["turn", "score", "batch", "flow"]
    waiting: int
    """Jobs that no worker has."""
    in_flight: int
    """Jobs that a worker has a lease on."""
    dead: int
    """Jobs that failed for good."""
    oldest_age_s: float
    """Age of the oldest job that is not dead, seconds; 0 without one."""


class Workload(msgspec.Struct, frozen=True, kw_only=True):
    """All queues that hold anything, by tenant and kind."""

    data: list[Queue]


async def read_workload(database: Database, clock: Clock) -> Workload:
    """Return the queues of all tenants."""
    async with system_tx(database) as connection:
        rows = await connection.fetch(_SQL["workload"], clock.now())
    return Workload(
        data=[
            Queue(
                tenant_id=format_id("ten", row["tenant_id"]),
                kind=row["kind"],
                waiting=row["waiting"],
                in_flight=row["in_flight"],
                dead=row["dead"],
                oldest_age_s=round(max(row["oldest_age_s"], 0.0), 3),
            )
            for row in rows
        ]
    )


def ops_handlers(
    authenticator: Authenticator, database: Database, clock: Clock
) -> list[HTTPRouteHandler]:
    """Return the operators' routes."""

    @get("/ops/v1/workload")
    async def workload(request: Request[Any, Any, Any]) -> ASGIResponse:
        await authenticator.operator(request.headers.get("authorization"))
        return respond(Answer(body=await read_workload(database, clock)))

    return [workload]
