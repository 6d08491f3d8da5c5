"""How a process asks the parts that it needs; each probe raises when its part does not answer."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Protocol, TypeAlias

from nats.aio.client import Client

from shared.db.pool import Database
from shared.db.tx import system_tx

Probe: TypeAlias = Callable[[], Awaitable[None]]
"""Returns when the part answers; raises, or takes too long, when it does not."""

PATIENCE_S = 1.0
"""Seconds each part has to answer."""


class _ServiceClient(Protocol):
    async def check_health(self, *, timeout: timedelta | None = None) -> bool: ...


class _TemporalClient(Protocol):
    """What a probe needs of a `temporalio.client.Client`; most processes never import that."""

    @property
    def service_client(self) -> _ServiceClient: ...


def database_probe(database: Database) -> Probe:
    """Return a probe of PostgreSQL.

    By the system role's few connections: those that serve tenants may all be busy, which is load
    and no fault.
    """

    async def ask() -> None:
        async with system_tx(database) as connection:
            await connection.execute("select 1")

    return ask


def nats_probe(client: Client) -> Probe:
    """Return a probe of NATS: a round trip on the process's own connection."""

    async def ask() -> None:
        if not client.is_connected:
            raise ConnectionError("not connected")
        await client.flush()

    return ask


def temporal_probe(client: _TemporalClient) -> Probe:
    """Return a probe of Temporal's frontend."""

    async def ask() -> None:
        if not await client.service_client.check_health(timeout=timedelta(seconds=PATIENCE_S)):
            raise ConnectionError("not serving")

    return ask
