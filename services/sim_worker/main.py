"""Composition root of the simulation worker."""

import asyncio
from collections.abc import Callable
from functools import partial

from services.sim_worker.autopilot import AutopilotHandler
from services.sim_worker.context import Context
from services.sim_worker.drafting.handler import ScenarioDrafts
from services.sim_worker.drafting.lane import BatchLane
from services.sim_worker.interactive import TurnHandler
from services.sim_worker.model_wording import ModelWording
from services.sim_worker.repository import SimulationReader
from services.sim_worker.wording import DelayedWording, Wording
from shared.clock import SystemClock
from shared.config import Settings
from shared.contracts.jobs import JobKind, JobMessage
from shared.db import gate
from shared.db.jobs import give_back
from shared.db.keys import key_ring
from shared.health.probes import database_probe, nats_probe
from shared.health.state import Health
from shared.ids import IdMaker, Uuid7Maker
from shared.llm.gateway import gateway
from shared.llm.ports import LanguageModel
from shared.load.heartbeat import Heartbeat
from shared.messaging import connect as nats_connect
from shared.messaging.consumer import LaneConsumer
from shared.messaging.leaving import leave
from shared.messaging.precedence import Precedence
from shared.messaging.publisher import Publisher
from shared.redaction.redactor import PatternRedactor
from shared.tenancy.lanes import Lanes

BATCH_SLOTS = 50
"""Autopilot conversations at once: few enough that interactive turns keep the processor."""


async def serve(
    settings: Settings,
    *,
    stop: asyncio.Event,
    ready: Callable[[], None],
    health: Health | None = None,
) -> None:
    """Make replies until `stop`; then finish those in hand."""
    keys = key_ring(settings)
    database = await gate.connect(settings, "sim_worker", stop=stop)
    nats = await nats_connect.connect(settings, "sim_worker")
    clock, ids = SystemClock(), Uuid7Maker()
    model = gateway(settings, database, keys, clock=clock, ids=ids)
    context = Context(
        settings=settings,
        database=database,
        publisher=Publisher(nats),
        wording=_wording(settings, model, ids),
        reader=SimulationReader(database, keys),
        clock=clock,
        ids=ids,
        model=model,
    )
    drafts = ScenarioDrafts(
        settings,
        database,
        keys,
        context.publisher,
        model=model,
        redactor=PatternRedactor(),
        clock=clock,
        ids=ids,
    )
    precedence, shares = Precedence(), Lanes(settings, database, clock)
    turns = TurnHandler(context)
    batch = BatchLane(AutopilotHandler(context, precedence), drafts)

    async def take_turn(job: JobMessage) -> None:
        with precedence.interactive():
            await turns.handle(job)

    lanes = (
        LaneConsumer(
            nats,
            JobKind.TURN,
            take_turn,
            slots=settings.worker_slots,
            give_back=partial(give_back, database),
            standings=shares.standings(JobKind.TURN),
        ),
        LaneConsumer(
            nats,
            JobKind.BATCH,
            batch.handle,
            slots=BATCH_SLOTS,
            give_back=partial(give_back, database),
            standings=shares.standings(JobKind.BATCH),
        ),
    )
    await asyncio.gather(*(lane.start() for lane in lanes))
    shares.start()
    keys.start(database)
    heartbeat = Heartbeat(database, "sim-worker").start()
    if health is not None:
        health.watch("database", database_probe(database))
        health.watch("nats", nats_probe(nats))
    ready()
    await stop.wait()
    await asyncio.gather(*(lane.stop() for lane in lanes))
    await shares.stop()
    await model.close()
    await leave(nats)
    await heartbeat.stop()
    await keys.stop()
    await database.close()


def _wording(settings: Settings, model: LanguageModel, ids: IdMaker) -> Wording:
    wording = ModelWording(model, ids)
    if not settings.wording_delay_ms:
        return wording
    return DelayedWording(wording, settings.wording_delay_ms / 1000)
