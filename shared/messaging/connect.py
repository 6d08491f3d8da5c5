"""The process's one NATS connection."""

from collections.abc import Callable

import nats
from nats.aio.client import Client

from shared.config import Settings
from shared.log import get_logger

log = get_logger()

RECONNECT_WAIT_S = 0.2
"""Seconds between two attempts to come back; attempts never end."""

PENDING_BYTES = 8 * 1024 * 1024
"""Bytes kept while the server is away; beyond that a publish fails, and the relay repeats it."""


async def connect(
    settings: Settings, service: str, *, on_reconnect: Callable[[], None] = lambda: None
) -> Client:
    """Connect as this service, with an inbox prefix of its own; reconnects for ever.

    `on_reconnect` is called after each: what was published meanwhile on core NATS is lost.

    Raises:
        nats.errors.Error, OSError: the server does not answer or refuses the user.
    """

    async def on_error(error: Exception) -> None:
        # The library's default prints a traceback per failed attempt.
        log.warning("nats.error", error=type(error).__name__, detail=str(error))

    async def on_disconnect() -> None:
        log.warning("nats.disconnected")

    async def reconnected() -> None:
        log.info("nats.reconnected")
        on_reconnect()

    return await nats.connect(
        settings.nats_url.reveal,
        name=f"rapport-{service}",
        inbox_prefix=f"_INBOX_{service}",
        max_reconnect_attempts=-1,
        reconnect_time_wait=RECONNECT_WAIT_S,
        pending_size=PENDING_BYTES,
        error_cb=on_error,
        disconnected_cb=on_disconnect,
        reconnected_cb=reconnected,
    )
