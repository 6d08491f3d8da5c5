"""Wiring only: one stack per run, one database cloned per module."""

import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
from nats.aio.client import Client

from infra.devstack.stack import Stack
from shared.config import Settings
from shared.db import pool
from shared.db.keys import KeyRing, key_ring
from shared.db.pool import Database
from shared.messaging import connect as nats_connect
from tests.support.databases import Databases
from tests.support.tenants import TenantFactory

SHOWN = 30

LEFT_OUT = pytest.StashKey[list[str]]()

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what it puts in the background with Ctrl-C ignored, and every process that a
    # test starts would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Real PostgreSQL, NATS and Temporal for the whole run."""
    with Stack(tmp_path_factory.mktemp("stack"), {}, durable=False) as running:
        yield running


@pytest.fixture(scope="session")
async def databases(stack: Stack) -> Databases:
    """The migrated template that modules clone."""
    return await Databases.create(stack)


@pytest.fixture(scope="module")
async def database_url(databases: Databases) -> AsyncIterator[str]:
    """Owner's URL of a fresh, migrated database."""
    name = await databases.clone()
    yield databases.owner_url(name)
    await databases.drop(name)


@pytest.fixture(scope="module")
def settings(databases: Databases, database_url: str) -> Settings:
    """What a service would read from its environment; NATS as `admin`."""
    return databases.settings(database_url)


@pytest.fixture(scope="module")
async def database(settings: Settings) -> AsyncIterator[Database]:
    """Pools as the services have them: no owner, no bypass of row security."""
    opened = await pool.connect(settings, "test")
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
def keys(settings: Settings) -> KeyRing:
    """The key ring over the run's master key."""
    return key_ring(settings)


@pytest.fixture(scope="module")
async def nats(settings: Settings) -> AsyncIterator[Client]:
    """A connection as NATS user `admin`."""
    client = await nats_connect.connect(settings, "admin")
    yield client
    await client.close()


@pytest.fixture(scope="module")
def tenants(database: Database, settings: Settings) -> TenantFactory:
    """Makes tenants with keys and the built-in library."""
    return TenantFactory(database, settings)


@pytest.fixture(scope="session")
def repository_root() -> Path:
    """The checkout."""
    return Path(__file__).resolve().parent.parent


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Remember what this run leaves out."""
    if items:
        items[0].config.stash.setdefault(LEFT_OUT, []).extend(item.nodeid for item in items)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say what was left out, by name when they are few."""
    left_out = config.stash.get(LEFT_OUT, [])
    if left_out:
        terminalreporter.section(f"left out: {len(left_out)}; `make test-full` runs everything")
        for name in left_out[:SHOWN]:
            terminalreporter.write_line(name)
