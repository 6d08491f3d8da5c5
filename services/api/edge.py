"""Around everything: the request id on every response, one log line, one span, and its numbers."""

import time
from typing import Any
from uuid import UUID

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from services.api.waiting import has_preference
from shared.ids import IdMaker, InvalidIdError, format_id, parse_id
from shared.log import get_logger
from shared.telemetry import catalog, names, tenants, trace
from shared.telemetry.measures import Measure, Outcome, note

log = get_logger()

UNMATCHED = "(unmatched)"
"""Route of a request to a path that we do not have; keeps the number of routes bounded."""

ACCEPTED = 202

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
"""Methods with a label of their own; anybody can invent others."""


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

        with trace.span("HTTP", kind="server", links=_asked_by(scope)) as span:
            try:
                with catalog.HTTP_IN_FLIGHT.one_more():
                    await self._app(scope, receive, send_marked)
            finally:
                seconds = time.perf_counter() - started
                method, route = str(scope.get("method")), scope.get("path_template") or UNMATCHED
                tenant_id = state.get("tenant_id")
                _count(method, route, status, seconds, tenant_id)
                if status == ACCEPTED and not has_preference(scope["headers"]):
                    catalog.HTTP_ACCEPT.observe(seconds)
                if trace.is_on():
                    _tell(span, method, route, status, request_id, tenant_id)
                log.info(
                    "request.done",
                    method=method,
                    route=route,
                    status=status,
                    duration_ms=round(seconds * 1000, 1),
                    request_id=request_id,
                    tenant_id=tenant_id,
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


def _count(method: str, route: str, status: int, seconds: float, tenant: str | None) -> None:
    """Count a request, one to an unknown path included; 0: the client went away, or we failed."""
    is_matched = route != UNMATCHED
    status_class = f"{status // 100}xx" if status else "none"
    shown = method if method in METHODS else "other"
    catalog.HTTP_SECONDS.observe(seconds, route, shown, status_class)
    catalog.HTTP_RESPONSES.add(str(status), str(int(is_matched)))
    if tenant is None:
        return
    tenant_id = UUID(tenant)
    note(Measure("request", tenant_id, seconds, outcome_of(status)))
    catalog.TENANT_REQUESTS.add(status_class, tenants.label_of(tenant_id))


def outcome_of(status: int) -> Outcome:
    """Return how a request ended, by the status of its answer; 0: there was none."""
    if status >= 500:
        return "failed"
    return "refused" if status >= 400 else "ok"


def _tell(
    span: trace.Span, method: str, route: str, status: int, request_id: str, tenant: str | None
) -> None:
    span.rename(f"{method} {route}" if method in METHODS else f"other {route}")
    span.set(names.METHOD, method if method in METHODS else "other")
    span.set(names.ROUTE, route)
    span.set(names.STATUS, status)
    span.set(names.REQUEST, request_id)
    if tenant is not None:
        span.set(names.TENANT, tenant)
    if status >= 500:
        span.fail(str(status))


def _asked_by(scope: Scope) -> tuple[str, ...]:
    """Return the client's own trace: linked, because strangers do not decide what we record."""
    if not trace.is_on():
        return ()
    found = [value for name, value in scope["headers"] if name == b"traceparent"]
    return (found[0].decode("latin-1"),) if found else ()
