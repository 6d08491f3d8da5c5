"""Streams as data, and the call that makes them real (again)."""

import asyncio

from nats.aio.client import Client
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import APIError, BadRequestError

from shared.contracts.jobs import JobKind
from shared.contracts.subjects import EVENTS_STREAM, EVENTS_SUBJECTS, job_stream
from shared.log import get_logger

log = get_logger()

DUPLICATE_WINDOW_S = 120
"""Seconds JetStream remembers message ids; Postgres is what really removes duplicates."""

EVENTS_MAX_AGE_S = 24 * 3600
"""The stream only wakes consumers; the feed itself is in Postgres."""


def job_stream_config(kind: JobKind) -> StreamConfig:
    """Return the WorkQueue stream of a lane: file storage, nothing in it irreplaceable."""
    return StreamConfig(
        name=job_stream(kind),
        subjects=[f"jobs.{kind}.*"],
        retention=RetentionPolicy.WORK_QUEUE,
        storage=StorageType.FILE,
        discard=DiscardPolicy.OLD,
        duplicate_window=DUPLICATE_WINDOW_S,
    )


def events_stream_config() -> StreamConfig:
    """Return the stream that tells consumers of placed events."""
    return StreamConfig(
        name=EVENTS_STREAM,
        subjects=[EVENTS_SUBJECTS],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        max_age=EVENTS_MAX_AGE_S,
        duplicate_window=DUPLICATE_WINDOW_S,
    )


async def ensure_stream(client: Client, config: StreamConfig, *, patience_s: float = 30) -> None:
    """Create the stream when it is missing; an existing one is left as it is.

    Raises:
        nats.errors.Error: the server did not answer within `patience_s` seconds.
    """
    deadline = asyncio.get_running_loop().time() + patience_s
    while True:
        try:
            await client.jetstream().add_stream(config)
            return
        except BadRequestError as error:  # exists with another configuration: an operator's choice
            log.info("stream.kept", stream=config.name, code=error.err_code)
            return
        except (APIError, TimeoutError) as error:
            if asyncio.get_running_loop().time() > deadline:
                raise
            log.warning("stream.retry", stream=config.name, error=type(error).__name__)
            await asyncio.sleep(0.1)  # JetStream needs a moment after a server start
