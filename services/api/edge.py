"""Around everything: the request id on every response, and one log line per request."""

import time
from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from shared.ids import IdMaker, InvalidIdError, format_id, parse_id
from shared.log import get_logger

log = get_logger()

UNMATCHED = "(unmatched)"
"""Route of a request to a path that we do not have; keeps the number of routes bounded."""


class Edge:
    """Pure ASGI middleware around the router, so that unknown paths pass through it as well."""

    def __init__(self, app: ASGIApp, ids: IdMaker) -> None:
        self._app = app
        self._ids = ids

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        state: dict[str, Any] = scope["state"]
        request_id = state["request_id"] = self._request_id(scope)
        header = (b"request-id", request_id.encode())
        started = time.perf_counter()
        status = 0

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                said = state.get("headers", ())
                message["headers"] = [*message["headers"], header, *said]
            await send(message)

        try:
            await self._app(scope, receive, send_marked)
        finally:
            log.info(
                "request.done",
                method=scope.get("method"),
                route=scope.get("path_template") or UNMATCHED,
                status=status,
                duration_ms=round((time.perf_counter() - started) * 1000, 1),
                request_id=request_id,
                tenant_id=state.get("tenant_id"),
            )

    def _request_id(self, scope: Scope) -> str:
        for name, value in scope["headers"]:
            if name == b"request-id":
                text = value.decode("latin-1")
                try:
                    parse_id("req", text)
                except InvalidIdError:
                    break
                return text
        return format_id("req", self._ids.new())
