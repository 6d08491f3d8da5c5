"""Questions over NATS request/reply: each is answered, or refused by header; never silence."""

import asyncio
from typing import Any

import asyncpg
import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from services.reporting import repository
from services.reporting.trends.buckets import weeks_between, whole_weeks
from services.reporting.trends.weekly import SOURCES, weekly_points
from shared.contracts.reporting import (
    ERROR_CODE_HEADER,
    ERROR_HEADER,
    MAX_TREND_WEEKS,
    TrendQuery,
    TrendReply,
)
from shared.contracts.subjects import REPORT_TREND
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.log import get_logger

log = get_logger()

QUEUE = "reporting"
"""Queue group: each question goes to one process."""

IN_FLIGHT = 64
"""Questions a process works on at once; more are refused at once instead of answered too late."""

DEADLINE_S = 5.0
"""Seconds for one answer, the wait for a connection included; who asked has given up by then."""


class QuestionError(Exception):
    """The question cannot be answered as it is; the text says why, without its data."""


def read_trend_query(payload: bytes) -> TrendQuery:
    """Return the question behind a request.

    Raises:
        QuestionError: not a trend query, an empty range, or more than `MAX_TREND_WEEKS`.
    """
    try:
        query = msgspec.json.decode(payload, type=TrendQuery)
        whole_weeks(query.start, query.end)
    except (msgspec.MsgspecError, OverflowError, UnicodeDecodeError):
        raise QuestionError("not a trend query") from None
    if query.end < query.start:
        raise QuestionError("the range ends before it starts")
    if weeks_between(query.start, query.end) > MAX_TREND_WEEKS:
        raise QuestionError(f"the range is longer than {MAX_TREND_WEEKS} weeks")
    return query


async def team_trend(database: Database, query: TrendQuery) -> TrendReply:
    """Answer from rollups; the range is widened to whole ISO weeks, as the points' weeks show."""
    first, last = whole_weeks(query.start, query.end)
    async with tenant_tx(database, query.tenant_id) as connection:
        buckets = await repository.team_rollups(
            connection,
            query.tenant_id,
            query.team_id,
            query.skill if query.level == "skill" else None,
            SOURCES[query.source],
            first,
            last,
        )
    points = weekly_points(buckets, query.level)
    if query.level == "root" and query.skill is not None:
        points = tuple(point for point in points if point.skill == query.skill)
    return TrendReply(points=points)


class TrendEndpoint:
    """Listens for trend questions and answers them, several at a time."""

    def __init__(
        self,
        database: Database,
        client: Client,
        *,
        in_flight: int = IN_FLIGHT,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._database = database
        self._client = client
        self._in_flight = in_flight
        self._deadline_s = deadline_s
        self._tasks: set[asyncio.Task[None]] = set()
        self._subscription: Any = None  # a Subscription; its `drain` has no types

    async def open(self) -> None:
        """Start to listen."""
        self._subscription = await self._client.subscribe(
            REPORT_TREND, queue=QUEUE, cb=self._receive
        )

    async def close(self) -> None:
        """Stop to listen and finish what is in hand."""
        if self._subscription is not None and self._client.is_connected:
            try:
                await self._subscription.drain()
            except (NatsError, OSError, TimeoutError) as error:
                log.warning("drain.failed", error=type(error).__name__)
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _receive(self, message: Msg) -> None:
        if len(self._tasks) >= self._in_flight:
            await self._refuse(message, 503, "too many questions at once")
            return
        # A task per question: the subscription hands over the next message only when this returns.
        task = asyncio.create_task(self._answer(message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, message: Msg) -> None:
        try:
            query = read_trend_query(message.data)
            async with asyncio.timeout(self._deadline_s):
                reply = await team_trend(self._database, query)
            await self._client.publish(message.reply, msgspec.json.encode(reply))
        except QuestionError as error:
            await self._refuse(message, 400, str(error))
        except (
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
            asyncpg.InternalClientError,  # a connection that died between two statements
            OSError,
            TimeoutError,
        ) as error:
            log.warning("trend.unavailable", error=type(error).__name__)
            await self._refuse(message, 503, "the database does not answer")
        except Exception:
            log.exception("trend.failed")
            await self._refuse(message, 500, "the question could not be answered")

    async def _refuse(self, message: Msg, code: int, why: str) -> None:
        headers = {ERROR_CODE_HEADER: str(code), ERROR_HEADER: why}
        try:
            await self._client.publish(message.reply, b"", headers=headers)
        except Exception as error:
            log.warning("refusal.lost", code=code, error=type(error).__name__)
