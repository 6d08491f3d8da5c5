"""Composition root of the API process."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator

import uvicorn
from nats.errors import Error as NatsError
from typing_extensions import override

from services.api.app import create_app
from services.api.context import ProcessContext
from shared import failpoints
from shared.clock import SystemClock
from shared.config import Settings
from shared.contracts.jobs import JobKind, JobMessage
from shared.db import pool
from shared.db.keys import key_ring
from shared.db.tx import system_tx
from shared.ids import Uuid7Maker
from shared.llm.gateway import gateway
from shared.messaging import connect as nats_connect
from shared.messaging.publisher import Publisher
from shared.messaging.topology import ensure_stream, job_stream_config

BACKLOG = 2048
"""Connections the kernel holds while we accept; 500 learners may come at once."""

GRACE_S = 10
"""Seconds beyond the longest wait for a reply that requests in hand have to finish."""

KEEP_ALIVE_S = 75
"""Seconds an idle connection stays: longer than most load balancers' own limit of 60."""


class _Publisher(Publisher):
    """Publishes what a request has just committed."""

    @override
    async def job(self, message: JobMessage) -> bool:
        failpoints.hit("api.after_claim_commit")
        return await super().job(message)


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the process has its own."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(settings: Settings, *, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    """Serve until `stop`; then take no more requests and finish those in hand.

    Raises:
        OSError: a server does not answer, or the port is taken.
        ConfigError: the master key is not a key.
    """
    keys = key_ring(settings)
    listener = _listen(settings.api_host, settings.api_port)
    database = await pool.connect(settings, "api")
    async with system_tx(database):  # opens the pool that every request needs for its key
        pass
    nats = await nats_connect.connect(settings, "api")
    for kind in (JobKind.TURN, JobKind.FLOW):
        await ensure_stream(nats, job_stream_config(kind))
    model = gateway(settings, database, keys, clock=SystemClock(), ids=Uuid7Maker())
    app = create_app(
        ProcessContext(
            settings=settings,
            database=database,
            keys=keys,
            nats=nats,
            publisher=_Publisher(nats),
            model=model,
            stopping=stop,
        )
    )
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=int(settings.turn_wait_s) + GRACE_S,
    )
    server = _Server(config, ready)
    stopping = asyncio.create_task(_stop(server, stop))
    try:
        await server.serve(sockets=[listener])
    finally:
        stopping.cancel()
        with contextlib.suppress(NatsError, TimeoutError):  # the server may be gone before us
            await nats.drain()
        await model.close()
        await database.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


async def _stop(server: uvicorn.Server, stop: asyncio.Event) -> None:
    await stop.wait()
    server.should_exit = True
