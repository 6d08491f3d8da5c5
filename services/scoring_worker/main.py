"""Composition root of the scoring worker."""

import asyncio
from collections.abc import Callable

from services.scoring_worker.handler import ScoreHandler
from shared.clock import SystemClock
from shared.config import Settings
from shared.contracts.jobs import JobKind
from shared.db import pool
from shared.db.keys import key_ring
from shared.ids import Uuid7Maker
from shared.messaging import connect as nats_connect
from shared.messaging.consumer import LaneConsumer
from shared.messaging.publisher import Publisher

SLOTS = 16
"""Judging is CPU work: more at once only means more half-finished ones after a crash."""


async def serve(settings: Settings, *, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    """Judge conversations until `stop`; then finish those in hand."""
    keys = key_ring(settings)
    database = await pool.connect(settings, "scoring_worker")
    nats = await nats_connect.connect(settings, "scoring_worker")
    handler = ScoreHandler(
        settings, database, keys, Publisher(nats), clock=SystemClock(), ids=Uuid7Maker()
    )
    lane = LaneConsumer(nats, JobKind.SCORE, handler.handle, slots=SLOTS)
    await lane.start()
    ready()
    await stop.wait()
    await lane.stop()
    await nats.drain()
    await database.close()
