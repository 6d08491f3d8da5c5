"""The loop behind a stream: Postgres says what happened, NATS only makes it look sooner."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Protocol

import msgspec

from services.api.live import Channel
from services.api.problems import Problem, as_app_error, problem_type
from services.api.streams.sse import HEARTBEAT, OPENING, Nothing, encode_event
from shared.contracts.live import LiveNews
from shared.errors import AppError, UnavailableError

LOOK_S = 1.0
"""Seconds between two looks into Postgres: news over NATS may be lost."""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be sent now."""

    chunks: tuple[bytes, ...] = ()
    """Encoded events."""
    is_over: bool = False
    """Nothing will follow."""


class Feed(Protocol):
    """What one stream tells; keeps where its reader stands."""

    async def begin(self) -> Reading:
        """Return the first events.

        Raises:
            AppError: there is no such stream for this caller.
        """
        ...

    async def read(self) -> Reading:
        """Look into Postgres; return what is new there.

        Raises:
            AppError: the stream is no longer for this caller.
        """
        ...

    async def hear(self, news: LiveNews) -> Reading:
        """Return what a piece of news is worth; as `read`."""
        ...


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How a stream keeps time, and what ends it from outside."""

    heartbeat_s: float
    """Seconds of silence until a comment is sent."""
    check: Callable[[], Awaitable[object]]
    """Raises an `AppError` when the caller's key is no longer good."""
    stopping: asyncio.Event
    """Set when the process stops: the client connects again, elsewhere."""
    request_id: str
    wait_s: float | None = None
    """Seconds without any news until the stream gives up; None: never."""


async def open_stream(
    watching: AbstractContextManager[Channel], feed: Feed, pace: Pace
) -> AsyncGenerator[bytes]:
    """Return a stream that has begun.

    Raises:
        AppError: it cannot begin; nothing was sent, so this is an ordinary answer.
    """
    stream = _pump(watching, feed, pace)
    await anext(stream)
    return stream


async def _pump(
    watching: AbstractContextManager[Channel], feed: Feed, pace: Pace
) -> AsyncGenerator[bytes]:
    # Listening comes first: what is told between the first look and the second is not lost.
    with watching as channel:
        reading = await feed.begin()
        yield b""  # begun: whoever drops the stream from here on makes the block end
        yield OPENING
        clock = asyncio.get_running_loop().time
        sent = heard = checked = clock()
        while True:
            for chunk in reading.chunks:
                yield chunk
                sent = heard = clock()
            if reading.is_over:
                yield encode_event("done", Nothing())
                return
            if pace.stopping.is_set():
                return
            if clock() - sent >= pace.heartbeat_s:
                yield HEARTBEAT
                sent = clock()
            try:
                if pace.wait_s is not None and clock() - heard >= pace.wait_s:
                    raise UnavailableError("The reply is still being made", retry_after_s=1)
                if clock() - checked >= LOOK_S:
                    await pace.check()
                    checked = clock()
                news = await channel.next(min(LOOK_S, pace.heartbeat_s))
                reading = await (feed.read() if news is None else feed.hear(news))
            except Exception as error:
                yield _problem(error, pace.request_id)
                return


def _problem(error: Exception, request_id: str) -> bytes:
    shown: AppError = as_app_error(error, request_id)
    problem = Problem(
        type=problem_type(shown.code),
        title=shown.title,
        status=shown.status,
        detail=shown.detail,
        code=shown.code,
        request_id=request_id,
        retryable=shown.retryable,
    )
    return encode_event("error", problem)
