"""The writing hand of other rooms, and the settings of the reporting process."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from shared.config import Settings
from tests.integration.reporting.reporting_world import World
from tests.support.databases import Databases


@pytest.fixture(scope="module")
async def world(database_url: str) -> AsyncIterator[World]:
    connection = await asyncpg.connect(
        database_url, server_settings={"search_path": "app,report", "timezone": "UTC"}
    )
    yield World(connection)
    await connection.close()


@pytest.fixture(scope="module")
def reporting_settings(databases: Databases, database_url: str) -> Settings:
    """With its own NATS user, so that a missing permission shows."""
    return databases.settings(database_url, "reporting")
