"""Composition root of the simulation worker."""

import asyncio
from collections.abc import Callable

from services.sim_worker.autopilot import AutopilotHandler
from services.sim_worker.context import Context
from services.sim_worker.engine.ports import Wording
from services.sim_worker.engine.wording import EmbeddedWording
from services.sim_worker.interactive import TurnHandler
from services.sim_worker.repository import SimulationReader
from services.sim_worker.wording import DelayedWording
from shared.clock import SystemClock
from shared.config import Settings
from shared.contracts.jobs import JobKind
from shared.db import pool
from shared.db.keys import key_ring
from shared.ids import Uuid7Maker
from shared.messaging import connect as nats_connect
from shared.messaging.consumer import LaneConsumer
from shared.messaging.publisher import Publisher

BATCH_SLOTS = 50
"""Autopilot conversations at once: few enough that interactive turns keep the processor."""


async def serve(settings: Settings, *, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    """Make replies until `stop`; then finish those in hand."""
    keys = key_ring(settings)
    database = await pool.connect(settings, "sim_worker")
    nats = await nats_connect.connect(settings, "sim_worker")
    context = Context(
        settings=settings,
        database=database,
        publisher=Publisher(nats),
        wording=_wording(settings),
        reader=SimulationReader(database, keys),
        clock=SystemClock(),
        ids=Uuid7Maker(),
    )
    lanes = (
        LaneConsumer(nats, JobKind.TURN, TurnHandler(context).handle, slots=settings.worker_slots),
        LaneConsumer(nats, JobKind.BATCH, AutopilotHandler(context).handle, slots=BATCH_SLOTS),
    )
    await asyncio.gather(*(lane.start() for lane in lanes))
    ready()
    await stop.wait()
    await asyncio.gather(*(lane.stop() for lane in lanes))
    await nats.drain()
    await database.close()


def _wording(settings: Settings) -> Wording:
    if not settings.wording_delay_ms:
        return EmbeddedWording()
    return DelayedWording(EmbeddedWording(), settings.wording_delay_ms / 1000)
