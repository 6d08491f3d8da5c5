"""Composition root of the orchestrator."""

import asyncio
from collections.abc import Callable

from temporalio.worker import PollerBehaviorAutoscaling, UnsandboxedWorkflowRunner, Worker

from services.orchestrator.activities import Activities
from services.orchestrator.batches import BatchActivities
from services.orchestrator.context import Context
from services.orchestrator.flow import FlowHandler
from services.orchestrator.relay import Relay
from services.orchestrator.reports.schedule import keep_trying
from services.orchestrator.reports.weekly import ReportActivities
from services.orchestrator.webhooks.service import Webhooks
from services.orchestrator.xapi.pusher import Pusher
from shared.clock import SystemClock
from shared.config import Settings
from shared.contracts.jobs import JobKind
from shared.db import pool
from shared.db.keys import key_ring
from shared.ids import Uuid7Maker
from shared.messaging import connect as nats_connect
from shared.messaging.consumer import LaneConsumer
from shared.messaging.publisher import Publisher
from shared.tasks import end
from shared.temporal import client as temporal_client
from shared.workflows.activity_api import TASK_QUEUE
from shared.workflows.batch import SimulationBatchWorkflow
from shared.workflows.scoring import ScoringWorkflow
from shared.workflows.simulation import SimulationWorkflow
from shared.workflows.weekly_reports import WeeklyReportsWorkflow

FLOW_SLOTS = 50
"""Flow jobs at once: each is one call to Temporal, which is the limit anyway."""

MAX_CACHED_WORKFLOWS = 5000
"""Above the live simulations of a busy hour; a miss costs a replay."""


async def serve(settings: Settings, *, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    """Run workflows, flow jobs, relay, webhooks, xAPI and the schedule of reports until `stop`."""
    database = await pool.connect(settings, "orchestrator")
    nats = await nats_connect.connect(settings, "orchestrator")
    temporal = await temporal_client.connect(settings)
    context = Context(
        settings=settings,
        database=database,
        publisher=Publisher(nats),
        temporal=temporal,
        clock=SystemClock(),
        ids=Uuid7Maker(),
    )
    worker = Worker(
        temporal,
        task_queue=TASK_QUEUE,
        workflows=[
            SimulationWorkflow,
            SimulationBatchWorkflow,
            ScoringWorkflow,
            WeeklyReportsWorkflow,
        ],
        activities=[
            *Activities(context).all(),
            *BatchActivities(context).all(),
            *ReportActivities(context, nats).all(),
        ],
        # The sandbox costs 2.5 times the CPU per workflow task; the replay tests and the lint rules
        # guard determinism instead.
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_cached_workflows=MAX_CACHED_WORKFLOWS,
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
    )
    flow = LaneConsumer(nats, JobKind.FLOW, FlowHandler(context).handle, slots=FLOW_SLOTS)
    keys = key_ring(settings)
    webhooks = Webhooks(context, keys, nats)
    statements = Pusher(context, keys)
    relay = asyncio.create_task(Relay(context, nats, on_placed=webhooks.placed).run())
    schedule = asyncio.create_task(keep_trying(temporal))
    async with worker:
        await flow.start()
        await webhooks.start()
        statements.start()
        ready()
        await stop.wait()
        await flow.stop()
        await end([relay, schedule])
        await statements.stop()
        await webhooks.stop()
    await nats.drain()
    await database.close()
