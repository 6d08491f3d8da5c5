"""The API in process, a worker that answers turns, and the orchestrator's worker of privacy tasks."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from nats.aio.client import Client

from services.api.context import ProcessContext
from services.orchestrator.context import Context
from services.orchestrator.privacy.worker import PrivacyWorker
from shared.config import Settings
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.messaging.publisher import Publisher
from tests.integration.api.conftest import (
    FakeWorker,
    Partner,
    context,
    http,
    key_maker,
    partner,
    stranger,
    worker,
)
from tests.integration.api.matrix_world import without_limits

__all__ = [
    "FakeWorker",
    "Partner",
    "context",
    "http",
    "key_maker",
    "partner",
    "stranger",
    "worker",
]


@pytest.fixture(scope="module")
def api_settings(settings: Settings) -> Settings:
    """As for the matrix: a receiver on this machine may be named."""
    return without_limits(settings)


@pytest.fixture(scope="module")
def privacy(
    settings: Settings, database: Database, keys: KeyRing, nats: Client, context: ProcessContext
) -> PrivacyWorker:
    """The worker, which works when it is told to."""
    return PrivacyWorker(
        Context(
            settings=settings,
            database=database,
            publisher=Publisher(nats),
            temporal=None,  # type: ignore[arg-type]  # no task of ours speaks to it
            clock=context.clock,
            ids=context.ids,
        ),
        keys,
    )


class Eyes:
    """Sees every row, as the owner of the database does with row security off."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def rows(self, statement: str, *arguments: Any) -> list[Any]:
        return list(await self._connection.fetch(statement, *arguments))

    async def value(self, statement: str, *arguments: Any) -> Any:
        return await self._connection.fetchval(statement, *arguments)

    async def run(self, statement: str, *arguments: Any) -> str:
        return str(await self._connection.execute(statement, *arguments))


@pytest.fixture(scope="module")
async def eyes(database_url: str) -> AsyncIterator[Eyes]:
    connection = await asyncpg.connect(database_url, server_settings={"search_path": "app,report"})
    yield Eyes(connection)
    await connection.close()


async def in_tenant(database: Database, tenant_id: UUID, statement: str, *arguments: Any) -> Any:
    """Run a statement as a service would; return its rows."""
    async with tenant_tx(database, tenant_id) as connection:
        return await connection.fetch(statement, *arguments)
