"""Composition root of the API process."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator

import msgspec
import uvicorn
from typing_extensions import override

from services.api.app import create_app
from services.api.context import ProcessContext
from services.api.shedding import Probes
from shared import failpoints
from shared.clock import SystemClock
from shared.config import Settings
from shared.contracts.jobs import JobKind, JobMessage
from shared.db import gate, pool
from shared.db.keys import key_ring, read_hash_key
from shared.health.probes import database_probe, nats_probe
from shared.health.state import Health
from shared.ids import Uuid7Maker
from shared.llm.gateway import gateway
from shared.load.heartbeat import Heartbeat
from shared.log import get_logger
from shared.messaging import connect as nats_connect
from shared.messaging.leaving import leave
from shared.messaging.publisher import Publisher
from shared.messaging.topology import ensure_stream, job_stream_config

log = get_logger()

BACKLOG = 2048
"""Connections the kernel holds while we accept; 500 learners may come at once."""

GRACE_S = 2
"""Seconds beyond the longest wait for a reply that requests in hand have to finish. With the drain
before it and the disconnecting after it, a stop stays below 30 s."""

IDLE_S = 0.5
"""Seconds between the end of idle connections and that of streams: who is sent away from a stream
must not find a connection to this process among those that it kept."""

ADMISSION_POOL = 2
"""Connections that only look up limits and count requests."""

KEEP_ALIVE_S = 75
"""Seconds an idle connection stays: longer than most load balancers' own limit of 60."""


class _Publisher(Publisher):
    """Publishes what a request has just committed."""

    @override
    async def job(self, message: JobMessage, parent: str = "") -> bool:
        failpoints.hit("api.after_claim_commit")
        return await super().job(message, parent)


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the process has its own."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    def send_away(self) -> None:
        """Close each connection with its next answer, so that its client comes back elsewhere."""
        farewell = (b"connection", b"close")
        self.config.encoded_headers.append(farewell)  # what uvicorn reads every second
        self.server_state.default_headers = [*self.server_state.default_headers, farewell]

    def close_idle(self) -> None:
        """Close what carries no request; what carries one closes behind its answer."""
        for connection in (*self.server_state.connections,):
            connection.shutdown()

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(
    settings: Settings,
    *,
    stop: asyncio.Event,
    ready: Callable[[], None],
    health: Health | None = None,
) -> None:
    """Serve until `stop`; then take no more requests and finish those in hand.

    Raises:
        OSError: a server does not answer, or the port is taken.
        ConfigError: the master key is not a key.
    """
    keys = key_ring(settings)
    listener = _listen(settings.api_host, settings.api_port)
    database = await gate.connect(settings, "api", stop=stop)
    admission = await pool.connect(
        msgspec.structs.replace(settings, database_pool=ADMISSION_POOL), "api-admission"
    )
    # This opens the pool that every request needs for its key, too.
    hash_key = await read_hash_key(database, settings)
    nats = await nats_connect.connect(settings, "api")
    stopping = asyncio.Event()
    for kind in (JobKind.TURN, JobKind.FLOW):
        await ensure_stream(nats, job_stream_config(kind))
    model = gateway(settings, database, keys, clock=SystemClock(), ids=Uuid7Maker())
    context = ProcessContext(
        settings=settings,
        database=database,
        admission=admission,
        keys=keys,
        nats=nats,
        publisher=_Publisher(nats),
        model=model,
        hash_key=hash_key,
        stopping=stopping,
        draining=stop,
    )
    app = create_app(context)
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
    leaving = asyncio.create_task(_leave(server, stop, stopping, settings.drain_s))
    if health is not None:
        health.watch("database", database_probe(database))
        health.watch("nats", nats_probe(nats))
    keys.start(database)
    heartbeat = Heartbeat(database, "api").start()
    lag = None if health is None else health.lag
    probes = Probes(context.shedder, database, lag).start()
    try:
        await server.serve(sockets=[listener])
    finally:
        leaving.cancel()
        await leave(nats)
        await model.close()
        await heartbeat.stop()
        await keys.stop()
        await probes.stop()
        await app.state.key_uses.flush()
        await app.state.trail_watch.flush()
        await admission.close()
        await database.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


async def _leave(
    server: _Server, stop: asyncio.Event, stopping: asyncio.Event, drain_s: float
) -> None:
    """Be found not ready first, and refuse connections only when nobody sends any more."""
    await stop.wait()
    log.info("api.draining")
    server.send_away()
    if drain_s:
        await asyncio.sleep(drain_s)
        server.close_idle()
        await asyncio.sleep(IDLE_S)
    stopping.set()
    server.should_exit = True
