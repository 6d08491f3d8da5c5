"""Composition root of the orchestrator."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from temporalio.worker import PollerBehaviorAutoscaling, UnsandboxedWorkflowRunner, Worker

from services.orchestrator.activities import Activities
from services.orchestrator.batches import BatchActivities
from services.orchestrator.context import Context
from services.orchestrator.expiring_keys import ExpiringKeys
from services.orchestrator.fleet import FleetWatch
from services.orchestrator.flow import FlowHandler
from services.orchestrator.keeping import Keeping
from services.orchestrator.privacy.worker import PrivacyWorker
from services.orchestrator.queues import TemporalWatch
from services.orchestrator.relay import Relay
from services.orchestrator.reports.schedule import PASSES
from services.orchestrator.reports.weekly import ReportActivities
from services.orchestrator.webhooks.service import Webhooks
from services.orchestrator.workflow_logs import WorkflowIds, counted_replays
from services.orchestrator.xapi.pusher import Pusher
from shared.clock import SystemClock
from shared.config import Settings
from shared.contracts.jobs import JobKind
from shared.db import gate
from shared.db.jobs import give_back
from shared.db.keys import key_ring
from shared.health.probes import database_probe, nats_probe, temporal_probe
from shared.health.state import Health
from shared.ids import Uuid7Maker
from shared.load.heartbeat import Heartbeat
from shared.messaging import connect as nats_connect
from shared.messaging.consumer import LaneConsumer
from shared.messaging.leaving import leave
from shared.messaging.publisher import Publisher
from shared.tasks import end
from shared.telemetry import metrics
from shared.temporal import client as temporal_client
from shared.tenancy.lanes import Lanes
from shared.workflows.activity_api import TASK_QUEUE
from shared.workflows.batch import SimulationBatchWorkflow
from shared.workflows.retention import RetentionWorkflow
from shared.workflows.scoring import ScoringWorkflow
from shared.workflows.simulation import SimulationWorkflow
from shared.workflows.weekly_reports import WeeklyReportsWorkflow

FLOW_SLOTS = 50
"""Flow jobs at once: each is one call to Temporal, which is the limit anyway."""

FLOW_STOP_S = 5.0
"""Seconds that flow jobs in hand have when the process stops; each is one call to Temporal."""

ACTIVITIES_STOP = timedelta(seconds=5)
"""How long activities in hand may go on when the process stops; Temporal repeats the others."""

MAX_CACHED_WORKFLOWS = 5000
"""Above the live simulations of a busy hour; a miss costs a replay."""


async def serve(
    settings: Settings,
    *,
    stop: asyncio.Event,
    ready: Callable[[], None],
    health: Health | None = None,
) -> None:
    """Run workflows, flow jobs, relay, webhooks, xAPI and the schedule of reports until `stop`."""
    database = await gate.connect(settings, "orchestrator", stop=stop)
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
    keys = key_ring(settings)
    keeping = await Keeping.of(context, keys)
    worker = Worker(
        temporal,
        task_queue=TASK_QUEUE,
        workflows=[
            SimulationWorkflow,
            SimulationBatchWorkflow,
            ScoringWorkflow,
            WeeklyReportsWorkflow,
            RetentionWorkflow,
        ],
        activities=[
            *Activities(context).all(),
            *BatchActivities(context).all(),
            *ReportActivities(context, nats).all(),
            *keeping.activities(),
        ],
        # The sandbox costs 2.5 times the CPU per workflow task; the replay tests and the lint rules
        # guard determinism instead.
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_cached_workflows=MAX_CACHED_WORKFLOWS,
        graceful_shutdown_timeout=ACTIVITIES_STOP,
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
        interceptors=[WorkflowIds()],
    )
    if health is not None:
        health.watch("database", database_probe(database))
        health.watch("nats", nats_probe(nats))
        health.watch("temporal", temporal_probe(temporal))
    shares = Lanes(settings, database, context.clock)
    flow = LaneConsumer(
        nats,
        JobKind.FLOW,
        FlowHandler(context).handle,
        slots=FLOW_SLOTS,
        give_back=partial(give_back, database),
        standings=shares.standings(JobKind.FLOW),
    )
    webhooks = Webhooks(context, keys, nats)
    statements = Pusher(context, keys)
    privacy = PrivacyWorker(context, keys)
    relay = asyncio.create_task(Relay(context, nats, on_placed=webhooks.placed).run())
    schedule = asyncio.create_task(PASSES.keep_trying(temporal))
    ending = asyncio.create_task(ExpiringKeys(context).run())
    queues = TemporalWatch(temporal)
    fleet = FleetWatch(database, queues, context.clock).start() if metrics.is_on() else []
    async with counted_replays(), worker, keeping:
        await flow.start()
        shares.start()
        await webhooks.start()
        statements.start()
        privacy.start()
        heartbeat = Heartbeat(database, "orchestrator", facts=queues.facts).start()
        ready()
        await stop.wait()
        await flow.stop(FLOW_STOP_S)
        await shares.stop()
        await end([relay, schedule, ending, *fleet])
        await privacy.stop()
        await statements.stop()
        await webhooks.stop()
    await leave(nats)
    await heartbeat.stop()
    await database.close()
