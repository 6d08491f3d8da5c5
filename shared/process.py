"""How every service process starts and stops: settings, logs, uvloop, signals, a readiness call."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol

import asyncpg
import nats.errors
import uvloop

from shared import failpoints, log
from shared.config import ConfigError, Settings, load
from shared.db.gate import SchemaBehindError, StoppedEarlyError
from shared.health.state import Health
from shared.telemetry import metrics, running

GC_THRESHOLD = 20_000
"""Allocations between two collections of the youngest objects. The default of 700 means several per
request, and reference counting has freed nearly all of a request by then."""


class Serve(Protocol):
    """A service's composition root."""

    def __call__(
        self, settings: Settings, *, stop: asyncio.Event, ready: Callable[[], None], health: Health
    ) -> Awaitable[None]:
        """Connect, call `ready`, work until `stop` is set, finish what is in hand, disconnect.

        `health` is told which parts the process needs.
        """
        ...


def run(
    service: str,
    serve: Serve,
    *,
    environment: Mapping[str, str] | None = None,
    ready: Callable[[], None] = lambda: None,
) -> int:
    """Run a service until SIGTERM or SIGINT; return the exit code.

    A wrong setting or an unreachable server is one clear line on standard error and exit code 1.
    """
    try:
        settings = load(os.environ if environment is None else environment)
    except ConfigError as error:
        sys.stderr.write(f"rapport {service}: {error}\n")
        return 1
    log.configure(service, settings.log_level)
    gc.set_threshold(GC_THRESHOLD)
    try:
        failpoints.arm(settings.failpoints)
        stop_telemetry = running.start(settings, service)
        try:
            uvloop.run(_main(serve, settings, ready))
        finally:
            stop_telemetry()
    except StoppedEarlyError:
        return 0
    except (
        ConfigError,
        SchemaBehindError,
        OSError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        nats.errors.Error,
    ) as error:
        sys.stderr.write(f"rapport {service}: {error}\n")
        return 1
    return 0


async def _main(serve: Serve, settings: Settings, ready: Callable[[], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with _health(settings, stop) as health:

        def begin() -> None:
            health.begin()
            ready()

        await serve(settings, stop=stop, ready=begin, health=health)


@asynccontextmanager
async def _health(settings: Settings, stop: asyncio.Event) -> AsyncIterator[Health]:
    """Answer probes from the first moment to the last, where a port is given for it."""
    health = Health(stop)
    health.lag.start()
    watch = running.LoopWatch(health.lag)
    watch.start()
    async with AsyncExitStack() as open_things:
        open_things.callback(watch.stop)
        open_things.push_async_callback(health.close)
        if settings.health_port:
            from shared.health.server import health_server  # noqa: PLC0415  (not paid for when off)

            await open_things.enter_async_context(
                health_server(
                    health, settings.health_host, settings.health_port, metrics.exposition
                )
            )
        yield health
