"""Dry runs of rubrics over NATS request/reply: answered or refused by header, nothing is stored."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from services.scoring_worker.judging.detectors.registry import UnknownIndicatorError
from services.scoring_worker.judging.judge import judge
from shared.contracts.questions import ERROR_CODE_HEADER, ERROR_HEADER
from shared.contracts.scoring import JudgeResult
from shared.contracts.subjects import JUDGE_DRY_RUN
from shared.library.rubric_dry_run import (
    MAX_SAMPLES,
    PATIENCE_S,
    DryRunQuery,
    DryRunReply,
    SampleOutcome,
)
from shared.library.rubric_trial import summarize
from shared.log import get_logger

log = get_logger()

QUEUE = "scoring_worker"
"""Queue group: each question goes to one process."""

IN_FLIGHT = 4
"""Dry runs a process holds; they are judged one after the other, and more would come too late."""

DEADLINE_S = PATIENCE_S - 1.0
"""Seconds for one answer, the wait for those before it included; who asked has given up by then."""


class RefusalError(Exception):
    """There is no answer; the text says why, without the question's data."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code
        """As HTTP has it."""


def read_question(payload: bytes) -> DryRunQuery:
    """Return the question behind a request.

    Raises:
        RefusalError: not a dry run, or one that cannot be judged.
    """
    try:
        query = msgspec.json.decode(payload, type=DryRunQuery)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise RefusalError(400, "not a dry run") from None
    if not 1 <= len(query.samples) <= MAX_SAMPLES:
        raise RefusalError(400, f"1 to {MAX_SAMPLES} conversations")
    return query


def answer(query: DryRunQuery, has_time: Callable[[], bool] = lambda: True) -> DryRunReply:
    """Judge every conversation and sum up.

    Args:
        query: what to judge.
        has_time: asked before each conversation; without time the rest is left.

    Raises:
        RefusalError: there was no time for all, or the judge lacks an indicator.
    """
    results: list[JudgeResult] = []
    for sample in query.samples:
        if not has_time():
            raise RefusalError(503, "no time left")
        try:
            results.append(judge(sample.transcript, query.rubric, flags=sample.flags))
        except UnknownIndicatorError:
            raise RefusalError(400, "an indicator is not known here") from None
    return DryRunReply(
        trial=summarize(query.rubric, results),
        samples=tuple(SampleOutcome.of(result) for result in results),
    )


class DryRunEndpoint:
    """Listens for dry runs and answers them one after the other, beside the scorings."""

    def __init__(
        self, client: Client, *, in_flight: int = IN_FLIGHT, deadline_s: float = DEADLINE_S
    ) -> None:
        self._client = client
        self._in_flight = in_flight
        self._deadline_s = deadline_s
        self._tasks: set[asyncio.Task[None]] = set()
        self._subscription: Any = None  # a Subscription; its `drain` has no types
        self._closing = threading.Event()
        # A thread of its own: a long dry run must not hold up the scorings that people wait for.
        self._judges = ThreadPoolExecutor(1, thread_name_prefix="dry-run")

    async def open(self) -> None:
        """Start to listen."""
        self._subscription = await self._client.subscribe(
            JUDGE_DRY_RUN, queue=QUEUE, cb=self._receive
        )

    async def close(self) -> None:
        """Stop to listen; what is in hand is refused at the next conversation."""
        if self._subscription is not None and self._client.is_connected:
            try:
                await self._subscription.drain()
            except (NatsError, OSError, TimeoutError) as error:
                log.warning("drain.failed", error=type(error).__name__)
        self._closing.set()
        if self._tasks:  # a conversation that is being judged cannot be interrupted
            await asyncio.wait(self._tasks, timeout=self._deadline_s)
        self._judges.shutdown(wait=False)

    async def _receive(self, message: Msg) -> None:
        if len(self._tasks) >= self._in_flight:
            await self._refuse(message, RefusalError(503, "too many dry runs at once"))
            return
        # A task per question: the subscription hands over the next message only when this returns.
        task = asyncio.create_task(self._answer(message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, message: Msg) -> None:
        until = time.monotonic() + self._deadline_s
        loop = asyncio.get_running_loop()
        try:
            reply = await loop.run_in_executor(self._judges, self._work, message.data, until)
            await self._client.publish(message.reply, reply)
        except RefusalError as refusal:
            await self._refuse(message, refusal)
        except Exception:
            log.exception("dry_run.failed")
            await self._refuse(message, RefusalError(500, "the dry run failed"))

    def _work(self, payload: bytes, until: float) -> bytes:
        """Return the encoded answer; runs in the thread."""

        def has_time() -> bool:
            return not self._closing.is_set() and time.monotonic() < until

        if not has_time():
            raise RefusalError(503, "no time left")
        query = read_question(payload)
        started = time.monotonic()
        reply = msgspec.json.encode(answer(query, has_time))
        taken_ms = round((time.monotonic() - started) * 1000)
        log.info("dry_run.answered", samples=len(query.samples), taken_ms=taken_ms)
        return reply

    async def _refuse(self, message: Msg, refusal: RefusalError) -> None:
        headers = {ERROR_CODE_HEADER: str(refusal.code), ERROR_HEADER: str(refusal)}
        try:
            await self._client.publish(message.reply, b"", headers=headers)
        except Exception as error:
            log.warning("refusal.lost", code=refusal.code, error=type(error).__name__)
