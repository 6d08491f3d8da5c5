"""Composition root of the scoring worker."""

import asyncio
from collections.abc import Callable
from functools import partial

from services.scoring_worker.drafting.handler import RubricDrafts
from services.scoring_worker.drafting.lane import ScoreLane
from services.scoring_worker.dry_run import DryRunEndpoint
from services.scoring_worker.handler import ScoreHandler
from shared.clock import SystemClock
from shared.config import Settings
from shared.contracts.jobs import JobKind
from shared.db import gate
from shared.db.jobs import give_back
from shared.db.keys import key_ring
from shared.health.probes import database_probe, nats_probe
from shared.health.state import Health
from shared.ids import Uuid7Maker
from shared.llm.gateway import gateway
from shared.load.heartbeat import Heartbeat
from shared.messaging import connect as nats_connect
from shared.messaging.consumer import LaneConsumer
from shared.messaging.leaving import leave
from shared.messaging.publisher import Publisher
from shared.tenancy.lanes import Lanes

SLOTS = 16
"""Judging is CPU work: more at once only means more half-finished ones after a crash."""


async def serve(
    settings: Settings,
    *,
    stop: asyncio.Event,
    ready: Callable[[], None],
    health: Health | None = None,
) -> None:
    """Judge conversations, and try rubrics out, until `stop`; then finish those in hand."""
    keys = key_ring(settings)
    database = await gate.connect(settings, "scoring_worker", stop=stop)
    nats = await nats_connect.connect(settings, "scoring_worker")
    clock, ids = SystemClock(), Uuid7Maker()
    model = gateway(settings, database, keys, clock=clock, ids=ids)
    publisher = Publisher(nats)
    shares = Lanes(settings, database, clock)
    standings = shares.standings(JobKind.SCORE)
    handler = ScoreHandler(
        settings,
        database,
        keys,
        publisher,
        clock=clock,
        ids=ids,
        model=model,
        weigh=standings.weight,
    )
    drafts = RubricDrafts(settings, database, keys, publisher, model=model, clock=clock, ids=ids)
    lane = LaneConsumer(
        nats,
        JobKind.SCORE,
        ScoreLane(handler, drafts).handle,
        slots=SLOTS,
        give_back=partial(give_back, database),
        standings=standings,
    )
    dry_runs = DryRunEndpoint(nats)
    await lane.start()
    shares.start()
    await dry_runs.open()
    await nats.flush()  # the server knows the subscription before we say so
    heartbeat = Heartbeat(database, "scoring-worker").start()
    if health is not None:
        health.watch("database", database_probe(database))
        health.watch("nats", nats_probe(nats))
    ready()
    await stop.wait()
    await dry_runs.close()
    await lane.stop()
    await shares.stop()
    await model.close()
    await leave(nats)
    await heartbeat.stop()
    await database.close()
