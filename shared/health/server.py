"""`/livez`, `/readyz` and `/metrics` of a process, on a port of its own."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

import msgspec
import uvicorn
from typing_extensions import override

from shared.health.state import Health

JSON: Final = b"application/json"

EXPOSITION: Final = b"text/plain; version=0.0.4; charset=utf-8"
"""Media type of what Prometheus scrapes."""

KEEP_ALIVE_S: Final = 75
"""Seconds an idle connection stays: longer than most intervals of probes and scrapes."""

STOP_S: Final = 1
"""Seconds that answers in hand get at the end."""

Exposition = Callable[[], bytes]
"""Writes down all metrics; may take a while, so it runs in a thread."""


class Reply(NamedTuple):
    """What is answered to one request."""

    status: int
    body: bytes
    media_type: bytes = JSON


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the process has its own."""

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HealthApp:
    """The ASGI application; knows three paths."""

    def __init__(self, health: Health, exposition: Exposition) -> None:
        self._health = health
        self._exposition = exposition
        self._paths: dict[str, Callable[[], Awaitable[Reply]]] = {
            "/livez": self._live,
            "/readyz": self._ready,
            "/metrics": self._metrics,
        }

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        path = self._paths.get(scope["path"])
        if path is None:
            reply = Reply(404, b'{"status":"no such path"}')
        elif scope["method"] not in {"GET", "HEAD"}:
            reply = Reply(405, b'{"status":"read only"}')
        else:
            reply = await path()
        headers = [
            (b"content-type", reply.media_type),
            (b"content-length", str(len(reply.body)).encode()),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        body = b"" if scope["method"] == "HEAD" else reply.body
        await send({"type": "http.response.body", "body": body})

    async def _live(self) -> Reply:
        health = self._health
        lag_ms = round(health.lag.seconds * 1000, 1)
        said = {"status": "ok" if health.is_alive else "stuck", "loop_lag_ms": lag_ms}
        return Reply(200 if health.is_alive else 503, msgspec.json.encode(said))

    async def _ready(self) -> Reply:
        missing = await self._health.missing()
        said = {"status": "not ready" if missing else "ok", "missing": missing}
        return Reply(503 if missing else 200, msgspec.json.encode(said))

    async def _metrics(self) -> Reply:
        return Reply(200, await asyncio.to_thread(self._exposition), EXPOSITION)


@asynccontextmanager
async def health_server(
    health: Health, host: str, port: int, exposition: Exposition
) -> AsyncIterator[None]:
    """Serve the health of this process while the block runs.

    Raises:
        OSError: the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family)
    config = uvicorn.Config(
        HealthApp(health, exposition),
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_S,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving
