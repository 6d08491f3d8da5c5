"""`OPTIONS`: the methods that a path has; the framework would name those of one handler only."""

from collections.abc import Sequence

from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse

from services.api.endpoint import Endpoint, Handler
from services.api.paths import litestar_path


def options_handlers(endpoints: Sequence[tuple[Endpoint, Handler]]) -> list[HTTPRouteHandler]:
    """Return a route per path of the endpoints."""
    methods: dict[str, set[str]] = {}
    for contract, _ in endpoints:
        methods.setdefault(litestar_path(contract.path), set()).add(contract.method)
    return [_handler(path, found) for path, found in methods.items()]


def _handler(path: str, methods: set[str]) -> HTTPRouteHandler:
    allow = ", ".join(sorted(methods | {"OPTIONS"}))

    async def options() -> ASGIResponse:
        return ASGIResponse(status_code=204, headers={"Allow": allow})

    # The framework holds that what answers 204 returns nothing, not even headers.
    return HTTPRouteHandler(path, http_method="OPTIONS", status_code=200)(options)
