"""Composition root of the simulation worker."""

import asyncio
from collections.abc import Callable

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
from shared.contracts.jobs import JobKind
from shared.db import pool
from shared.db.keys import key_ring
from shared.ids import IdMaker, Uuid7Maker
from shared.llm.gateway import gateway
from shared.llm.ports import LanguageModel
from shared.messaging import connect as nats_connect
from shared.messaging.consumer import LaneConsumer
from shared.messaging.publisher import Publisher
from shared.redaction.redactor import PatternRedactor

BATCH_SLOTS = 50
"""Autopilot conversations at once: few enough that interactive turns keep the processor."""


async def serve(settings: Settings, *, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    """Make replies until `stop`; then finish those in hand."""
    keys = key_ring(settings)
    database = await pool.connect(settings, "sim_worker")
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
    batch = BatchLane(AutopilotHandler(context), drafts)
    lanes = (
        LaneConsumer(nats, JobKind.TURN, TurnHandler(context).handle, slots=settings.worker_slots),
        LaneConsumer(nats, JobKind.BATCH, batch.handle, slots=BATCH_SLOTS),
    )
    await asyncio.gather(*(lane.start() for lane in lanes))
    ready()
    await stop.wait()
    await asyncio.gather(*(lane.stop() for lane in lanes))
    await model.close()
    await nats.drain()
    await database.close()


def _wording(settings: Settings, model: LanguageModel, ids: IdMaker) -> Wording:
    wording = ModelWording(model, ids)
    if not settings.wording_delay_ms:
        return wording
    return DelayedWording(wording, settings.wording_delay_ms / 1000)
