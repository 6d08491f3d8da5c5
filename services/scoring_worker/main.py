"""Composition root of the scoring worker."""

import asyncio
from collections.abc import Callable

from services.scoring_worker.drafting.handler import RubricDrafts
from services.scoring_worker.drafting.lane import ScoreLane
from services.scoring_worker.dry_run import DryRunEndpoint
from services.scoring_worker.handler import ScoreHandler
from shared.clock import SystemClock
from shared.config import Settings
from shared.contracts.jobs import JobKind
from shared.db import pool
from shared.db.keys import key_ring
from shared.ids import Uuid7Maker
from shared.llm.gateway import gateway
from shared.messaging import connect as nats_connect
from shared.messaging.consumer import LaneConsumer
from shared.messaging.publisher import Publisher

SLOTS = 16
"""Judging is CPU work: more at once only means more half-finished ones after a crash."""


async def serve(settings: Settings, *, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    """Judge conversations, and try rubrics out, until `stop`; then finish those in hand."""
    keys = key_ring(settings)
    database = await pool.connect(settings, "scoring_worker")
    nats = await nats_connect.connect(settings, "scoring_worker")
    clock, ids = SystemClock(), Uuid7Maker()
    model = gateway(settings, database, keys, clock=clock, ids=ids)
    publisher = Publisher(nats)
    handler = ScoreHandler(settings, database, keys, publisher, clock=clock, ids=ids, model=model)
    drafts = RubricDrafts(settings, database, keys, publisher, model=model, clock=clock, ids=ids)
    lane = LaneConsumer(nats, JobKind.SCORE, ScoreLane(handler, drafts).handle, slots=SLOTS)
    dry_runs = DryRunEndpoint(nats)
    await lane.start()
    await dry_runs.open()
    await nats.flush()  # the server knows the subscription before we say so
    ready()
    await stop.wait()
    await dry_runs.close()
    await lane.stop()
    await model.close()
    await nats.drain()
    await database.close()
