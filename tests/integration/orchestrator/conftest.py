"""The orchestrator in process, on real servers, in a Temporal namespace of the module's own."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from google.protobuf.duration_pb2 import Duration
from nats.aio.client import Client as NatsClient
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from services.orchestrator.activities import Activities
from services.orchestrator.batches import BatchActivities
from services.orchestrator.context import Context
from services.orchestrator.flow import FlowHandler
from shared.clock import SystemClock
from shared.config import Settings
from shared.contracts.jobs import JobKind
from shared.db.pool import Database
from shared.ids import Uuid7Maker
from shared.messaging.consumer import LaneConsumer
from shared.messaging.publisher import Publisher
from shared.messaging.topology import ensure_stream, events_stream_config, job_stream_config
from shared.temporal.converter import DATA_CONVERTER
from shared.workflows.activity_api import TASK_QUEUE
from shared.workflows.batch import SimulationBatchWorkflow
from shared.workflows.scoring import ScoringWorkflow
from shared.workflows.simulation import SimulationWorkflow
from tests.integration.orchestrator.orchestrator_world import FakeJudge, FakePlayer, World
from tests.support.tenants import TenantFactory
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
async def temporal(settings: Settings) -> Client:
    """Connected to a new namespace, so that no worker of another module takes our tasks."""
    client = await Client.connect(settings.temporal_address, data_converter=DATA_CONVERTER)
    name = f"orchestrator-{Uuid7Maker().new()}"
    retention = Duration()
    retention.FromTimedelta(timedelta(days=1))
    await client.workflow_service.register_namespace(
        RegisterNamespaceRequest(namespace=name, workflow_execution_retention_period=retention)
    )
    mine = await Client.connect(
        settings.temporal_address, namespace=name, data_converter=DATA_CONVERTER
    )

    async def is_known() -> bool:
        try:
            async for _ in mine.list_workflows(limit=1):
                pass
        except RPCError:
            return False
        return True

    await eventually(is_known, timeout_s=30)
    return mine


@pytest.fixture(scope="module")
async def context(
    settings: Settings, database: Database, nats: NatsClient, temporal: Client
) -> Context:
    for kind in JobKind:
        await ensure_stream(nats, job_stream_config(kind))
    await ensure_stream(nats, events_stream_config())
    return Context(
        settings=settings,
        database=database,
        publisher=Publisher(nats),
        temporal=temporal,
        clock=SystemClock(),
        ids=Uuid7Maker(),
    )


@pytest.fixture
async def world(database: Database, tenants: TenantFactory) -> World:
    """A tenant of the test's own."""
    return await World.create(database, tenants)


@pytest.fixture(scope="module")
async def workflows(context: Context) -> AsyncIterator[None]:
    """The Temporal worker with the real activities."""
    async with Worker(
        context.temporal,
        task_queue=TASK_QUEUE,
        workflows=[SimulationWorkflow, SimulationBatchWorkflow, ScoringWorkflow],
        activities=[*Activities(context).all(), *BatchActivities(context).all()],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        yield


@pytest.fixture(scope="module")
async def flow(context: Context, nats: NatsClient) -> AsyncIterator[FlowHandler]:
    """The lane `flow`, as in production."""
    handler = FlowHandler(context)
    lane = LaneConsumer(nats, JobKind.FLOW, handler.handle, slots=50)
    await lane.start()
    yield handler
    await lane.stop()


@pytest.fixture
async def judge(context: Context, nats: NatsClient) -> AsyncIterator[FakeJudge]:
    """A scoring worker without an engine."""
    fake = FakeJudge(context.database, context.publisher)
    lane = LaneConsumer(nats, JobKind.SCORE, fake.handle, slots=50)
    await lane.start()
    yield fake
    await lane.stop()


@pytest.fixture
async def player(context: Context, nats: NatsClient) -> AsyncIterator[FakePlayer]:
    """A simulation worker without an engine."""
    fake = FakePlayer(context.database, context.publisher)
    lane = LaneConsumer(nats, JobKind.BATCH, fake.handle, slots=50)
    await lane.start()
    yield fake
    await lane.stop()
