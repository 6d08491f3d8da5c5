"""Leaving NATS at the end of a process, whether or not the server is still there."""

import asyncio
from contextlib import suppress
from typing import Final

from nats.aio.client import Client
from nats.errors import Error as NatsError

LEAVE_S: Final = 2.0
"""Seconds for the last messages; a server that is away must not hold up the end of a process."""


async def leave(client: Client) -> None:
    """Send what is still to be sent, and disconnect; never raises for a server that is away."""
    with suppress(NatsError, OSError, TimeoutError):
        async with asyncio.timeout(LEAVE_S):
            await client.drain()
            return
    with suppress(NatsError, OSError, TimeoutError):
        await client.close()
