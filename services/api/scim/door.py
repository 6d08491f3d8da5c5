"""The way in: the route below which all is SCIM; what answers comes with the first request."""

import asyncio
from typing import TYPE_CHECKING, Any, Final

from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse

from services.api.context import ProcessContext
from services.api.endpoint import DEADLINE_S, Desk
from services.api.scim.address import BASE

if TYPE_CHECKING:
    from services.api.scim.admission import Door

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")

AnyRequest = Request[Any, Any, Any]


def scim_handlers(context: ProcessContext, desk: Desk) -> list[HTTPRouteHandler]:
    """Return the route below which everything is SCIM, its refusals as well."""
    doors: list[Door] = []

    async def scim(request: AnyRequest) -> ASGIResponse:
        if not doors:
            # Half a second of processor time, which a process without SCIM never spends; in a
            # thread, for others are being served.
            kind = await asyncio.to_thread(_door_class)
            doors.append(kind(context, desk))
        return await doors[0].serve(request, DEADLINE_S)

    route = HTTPRouteHandler([BASE, BASE + "/{rest:path}"], http_method=METHODS, name="scim")
    return [route(scim)]


def _door_class() -> "type[Door]":
    """Import what only a process that is asked for SCIM pays for."""
    from services.api.scim.admission import Door  # noqa: PLC0415 -- see above

    return Door
