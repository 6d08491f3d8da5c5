"""What browsers need in order to let a partner's page talk to us (WHATWG Fetch, "CORS protocol").

A browser asks first, without any credential: then a page of any tenant is told that it may ask. The
answer itself is readable only for pages that the caller's own tenant lists. Nothing here protects
an account: that do keys and tokens, which a browser never sends by itself.
"""

from typing import Any, Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from services.api.origins.book import OriginBook
from services.api.principal import Principal

METHODS: Final = b"GET, POST, PUT, PATCH, DELETE"

REQUEST_HEADERS: Final = (
    b"Accept, Api-Version, Authorization, Content-Type, Idempotency-Key, If-Match, Last-Event-ID,"
    b" Prefer, Request-Id"
)

EXPOSED: Final = (
    b"Api-Version, Deprecation, Idempotent-Replayed, Link, Location, Operation-Location,"
    b" Preference-Applied, RateLimit, RateLimit-Policy, Request-Id, Retry-After, Sunset"
)

MAX_AGE_S: Final = 600
"""Seconds a browser may remember that it may ask."""

MAX_ORIGIN: Final = 300
"""Characters; longer ones are nobody's."""

_VARY: Final = (b"vary", b"Origin")
_PREFLIGHT: Final = (
    (b"vary", b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"),
)
_GRANTED: Final = (
    (b"access-control-allow-methods", METHODS),
    (b"access-control-allow-headers", REQUEST_HEADERS),
    (b"access-control-max-age", str(MAX_AGE_S).encode()),
)


class Cors:
    """Pure ASGI middleware inside the edge: answers a browser's first question before any route."""

    def __init__(self, app: ASGIApp, origins: OriginBook) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        origin = _header(scope, b"origin") if scope["type"] == ScopeType.HTTP else None
        if origin is None:
            await self._app(scope, receive, send)
            return
        if scope.get("method") == "OPTIONS" and _header(scope, b"access-control-request-method"):
            await self._preflight(origin, send)
            return
        state: dict[str, Any] = scope["state"]

        async def send_readable(message: Message) -> None:
            if message["type"] == "http.response.start":
                grant = await self._grant(origin, state.get("principal"))
                message["headers"] = [*message["headers"], *grant]
            await send(message)

        await self._app(scope, receive, send_readable)

    async def _preflight(self, origin: bytes, send: Send) -> None:
        headers = [*_PREFLIGHT]
        if await self._origins.is_known(_text(origin)):
            headers += [(b"access-control-allow-origin", origin), *_GRANTED]
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _grant(
        self, origin: bytes, principal: Principal | None
    ) -> tuple[tuple[bytes, bytes], ...]:
        """Return what makes an answer readable; without a caller it tells nothing of one."""
        text = _text(origin)
        if principal is None:
            is_allowed = await self._origins.is_known(text)
        else:
            is_allowed = await self._origins.allows(principal, text)
        if not is_allowed:
            return (_VARY,)
        return (
            _VARY,
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", EXPOSED),
        )


def _header(scope: Scope, name: bytes) -> bytes | None:
    return next((value for found, value in scope["headers"] if found == name), None)


def _text(origin: bytes) -> str:
    return origin[:MAX_ORIGIN].decode("latin-1")
