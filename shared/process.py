"""How every service process starts and stops: settings, logs, uvloop, signals, a readiness call."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import asyncpg
import nats.errors
import uvloop

from shared import failpoints, log
from shared.config import ConfigError, Settings, load

GC_THRESHOLD = 20_000
"""Allocations between two collections of the youngest objects. The default of 700 means several per
request, and reference counting has freed nearly all of a request by then."""


class Serve(Protocol):
    """A service's composition root."""

    def __call__(
        self, settings: Settings, *, stop: asyncio.Event, ready: Callable[[], None]
    ) -> Awaitable[None]:
        """Connect, call `ready`, work until `stop` is set, finish what is in hand, disconnect."""
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
        uvloop.run(_main(serve, settings, ready))
    except (
        ConfigError,
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
    await serve(settings, stop=stop, ready=ready)
