"""Databases to migrate and to break: nobody else looks at them."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.support.databases import Databases

Connection = asyncpg.Connection


@pytest.fixture
async def own_url(databases: Databases) -> AsyncIterator[str]:
    """Owner's URL of a migrated database of this test alone."""
    name = await databases.clone()
    yield databases.owner_url(name)
    await databases.drop(name)


@pytest.fixture
async def owner(own_url: str) -> AsyncIterator[Connection]:
    """A connection of the schema's owner."""
    connection = await asyncpg.connect(own_url)
    yield connection
    await connection.close()
