"""Composition root of the reporting process."""

import asyncio
import contextlib
import time
from collections.abc import Callable

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg

from services.reporting.cache import AnswerCache
from services.reporting.consumer import Consumer
from services.reporting.desk import Desk
from services.reporting.documents.answers import Office, open_office
from services.reporting.endpoint import QuestionEndpoint
from services.reporting.lag import LagWatch
from services.reporting.questions import QUESTIONS
from services.reporting.repository import MOVING_EVENTS
from shared.clock import SystemClock
from shared.config import Settings
from shared.contracts.events import EventHeader
from shared.db import gate
from shared.db.pool import Database
from shared.health.probes import database_probe, nats_probe
from shared.health.state import Health
from shared.load.heartbeat import Heartbeat
from shared.log import get_logger
from shared.messaging.connect import connect as connect_nats

log = get_logger()

SERVICE = "reporting"

ANSWERS_S = 20.0
"""Seconds that answers in hand have when the process stops."""

NEWS = tuple(f"evt.*.{each}" for each in MOVING_EVENTS)
"""What hints at new scores, of every tenant; heard on core NATS, the stream is not needed."""


async def serve(
    settings: Settings,
    *,
    stop: asyncio.Event,
    ready: Callable[[], None],
    health: Health | None = None,
) -> None:
    """Fold events and answer questions until `stop` is set; then finish what is in hand.

    Raises:
        OSError, asyncpg.PostgresError, nats.errors.Error: a server does not answer at the start.
    """
    database = await gate.connect(settings, SERVICE, stop=stop)
    try:
        consumer = Consumer(database)
        client = await connect_nats(settings, SERVICE, on_reconnect=consumer.hint_all)
        try:
            if health is not None:
                health.watch("database", database_probe(database))
                health.watch("nats", nats_probe(client))
            office = open_office(settings, database, SystemClock())
            await _work(client, database, consumer, office, stop, ready)
        finally:
            await client.close()
    finally:
        await database.close()


async def _work(
    client: Client,
    database: Database,
    consumer: Consumer,
    office: Office,
    stop: asyncio.Event,
    ready: Callable[[], None],
) -> None:
    desk = Desk(database, SystemClock(), AnswerCache(time.monotonic))
    watch = LagWatch(database, desk.clock)
    endpoint = QuestionEndpoint(client, desk, QUESTIONS + office.questions(), lag=watch.seen)

    async def on_news(message: Msg) -> None:
        try:
            header = msgspec.json.decode(message.data, type=EventHeader)
        except msgspec.MsgspecError:
            log.warning("event.unreadable", subject=message.subject)
            consumer.hint_all()
        else:
            consumer.hint(header.tenant_id)

    for subject in NEWS:
        await client.subscribe(subject, cb=on_news)
    await endpoint.open()
    await client.flush()  # the server knows all subscriptions before we say so
    async with asyncio.TaskGroup() as group:
        group.create_task(consumer.run())
        group.create_task(watch.run())
        group.create_task(office.run())
        heartbeat = Heartbeat(database, SERVICE).start()
        ready()
        await stop.wait()
        await heartbeat.stop()
        # Whoever still waits is told to try again by a deadline of their own.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANSWERS_S):
                await endpoint.close()
        watch.close()
        office.close()
        consumer.close()
