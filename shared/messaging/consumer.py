"""The pull loop of a worker: fair between tenants, bounded by free slots.

Each tenant has a consumer of its own in the lane's stream. A worker asks for no more messages than
it has free slots, tenants in weighted deficit round robin (`shared.messaging.sharing`), and waits
on one inbox subscription: an idle tenant costs nothing, and a tenant with thousands of jobs cannot
stand in front of another. A paused tenant is not asked for in the lanes of the background.

A request is `no_wait`: it is answered at once with messages or with "none". "None" makes the
tenant idle until the next wake-up (`wake.<kind>.<tenant>`) or the next listing of subjects that
hold messages.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from uuid import UUID

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig
from nats.js.errors import APIError, NotFoundError

from shared import failpoints
from shared.contracts.jobs import JobKind, JobMessage
from shared.contracts.subjects import (
    job_consumer,
    job_stream,
    job_subject,
    job_tenant,
)
from shared.ids import InvalidIdError
from shared.log import get_logger
from shared.messaging.sharing import PATIENCE_S, Line, Share
from shared.messaging.topology import ensure_stream, job_stream_config
from shared.messaging.watching import Watch
from shared.periodic import every
from shared.tasks import end
from shared.tenancy.standing import Equals, Standings

log = get_logger()

ACK_WAIT_S = 9.0
"""Seconds JetStream waits before it hands an unfinished message to someone else. A little more
than the
lease of the row (8 s), so that the redelivered message finds the lease expired."""

LIST_EVERY_S = 5.0
"""Seconds between two listings of subjects that hold messages: the net under lost wake-ups."""

IDLE_CONSUMER_S = 300.0
"""Seconds after which the server forgets a tenant's unused consumer."""

MAX_IN_FLIGHT_PER_TENANT = 2000
"""Unacknowledged messages of one tenant over all workers."""

STOP_S = 18.0
"""Seconds that jobs in hand have when the process stops; what takes longer is handed over."""

HAND_OVER_S = 3.0
"""Seconds for giving jobs back at the end; a row that could not be is free when its lease is over.
"""

REQUEST_TIMEOUT_S = 2.0
"""Seconds after which a request without an answer is taken as lost (the server restarted)."""

Handler = Callable[[JobMessage], Awaitable[None]]
"""Does the job. Returning means done (acknowledge); raising means try again later."""


GiveBack = Callable[[JobMessage], Awaitable[None]]
"""Frees the row of a job that this process has begun and will not finish."""


class _Queue:
    """What a worker knows of one tenant's queue."""

    def __init__(self, tenant_id: UUID) -> None:
        self.tenant_id = tenant_id
        self.share = Share(tenant_id)
        self.is_looked_up = False  # the tenant's weight is being found out
        self.bound = False
        self.asking: tuple[int, float] | None = None  # messages asked for, time of asking
        self.again = False  # a wake-up came while asking


class LaneConsumer:
    """Runs one lane's jobs in this process, at most `slots` at once."""

    def __init__(
        self,
        client: Client,
        kind: JobKind,
        handler: Handler,
        *,
        slots: int,
        give_back: GiveBack | None = None,
        standings: Standings | None = None,
    ) -> None:
        """Take nothing yet.

        Args:
            client: To JetStream.
            kind: The lane.
            handler: Does a job.
            slots: Jobs at once.
            give_back: Frees jobs that a stop interrupts.
            standings: Knows tenants' weights and who is paused; None: all are equal.
        """
        self._client = client
        self._standings = standings or Equals()
        self._give_back = give_back
        self._watch = Watch(kind, slots)
        self._jetstream = client.jetstream()
        self._kind = kind
        self._handler = handler
        self._slots = slots
        self._free = slots
        self._queues: dict[str, _Queue] = {}
        self._ready = Line(slots)
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._inbox = client.new_inbox()
        self._subscriptions: list[Subscription] = []
        self._loops: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Create the lane's stream when it is missing, and begin to take jobs."""
        await ensure_stream(self._client, job_stream_config(self._kind))
        self._subscriptions = [
            await self._client.subscribe(f"{self._inbox}.*", cb=self._on_answer),
            await self._client.subscribe(f"wake.{self._kind}.*", cb=self._on_wake),
        ]
        self._watch.start()
        self._loops = [
            asyncio.create_task(self._schedule_forever()),
            asyncio.create_task(self._list_forever()),
        ]

    async def stop(self, patience_s: float = STOP_S) -> None:
        """Take no more jobs and finish those in hand; what is not done in time, others begin anew.

        Args:
            patience_s: Seconds that the jobs in hand have.
        """
        await end(self._loops)
        self._watch.stop()
        await self._hear_out()
        for subscription in self._subscriptions:
            with suppress(NatsError, OSError):  # the server may be gone before us
                await subscription.unsubscribe()
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=patience_s)
        if late:
            log.info("lane.handing_over", kind=self._kind.value, jobs=len(late))
            for task in late:
                task.cancel()
            await asyncio.wait(late, timeout=HAND_OVER_S)

    async def _hear_out(self) -> None:
        """Take what was asked for already: sent to nobody, it would lie for `ACK_WAIT_S`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                while any(queue.asking for queue in self._queues.values()):
                    self._changed.clear()
                    await self._changed.wait()

    # -- which tenants have work

    async def _on_wake(self, message: Msg) -> None:
        try:
            self._activate(job_tenant(message.subject), is_woken=True)
        except InvalidIdError:
            log.warning("wake.malformed", kind=self._kind.value)

    def _activate(self, tenant_id: UUID, *, is_woken: bool = False) -> None:
        name = job_consumer(self._kind, tenant_id)
        queue = self._queues.get(name)
        if queue is None:
            queue = self._queues[name] = _Queue(tenant_id)
        if queue.asking is not None:
            queue.again = True
        elif not queue.share.is_in_line and not queue.is_looked_up:
            self._line_up(queue, is_woken=is_woken)

    def _line_up(self, queue: _Queue, *, is_woken: bool) -> None:
        """Put a tenant in line, by the weight it has now; one that rests is left out."""
        weight = self._standings.weight(queue.tenant_id)
        is_resting = self._standings.is_resting(queue.tenant_id)
        if weight is None or (is_woken and is_resting):
            queue.is_looked_up = True
            self._standings.look(queue.tenant_id, partial(self._looked_up, queue))
        elif not is_resting:
            queue.share.weight = weight
            self._ready.join(queue.share)
            self._changed.set()

    def _looked_up(self, queue: _Queue) -> None:
        queue.is_looked_up = False
        if not self._standings.is_resting(queue.tenant_id):
            queue.share.weight = self._standings.weight(queue.tenant_id) or queue.share.weight
            self._ready.join(queue.share)
            self._changed.set()

    async def _list_forever(self) -> None:
        while True:
            try:
                await self._list_or_recreate()
            except (NatsError, TimeoutError, OSError, InvalidIdError) as error:
                log.warning("lane.list_failed", kind=self._kind.value, error=type(error).__name__)
            await asyncio.sleep(LIST_EVERY_S)

    async def _list_or_recreate(self) -> None:
        try:
            await self._list()
        except NotFoundError:  # the whole store is gone: make the stream again
            self._forget()
            await ensure_stream(self._client, job_stream_config(self._kind))

    async def _list(self) -> None:
        now = asyncio.get_running_loop().time()
        for queue in self._queues.values():
            if queue.asking is not None and now - queue.asking[1] > REQUEST_TIMEOUT_S:
                self._answered(queue, active=True)
        info = await self._jetstream.stream_info(
            job_stream(self._kind), subjects_filter=f"jobs.{self._kind}.*"
        )
        self._watch.pending(job_stream(self._kind), info.state.messages)
        for subject in info.state.subjects or {}:
            self._activate(job_tenant(subject))

    def _forget(self) -> None:
        for queue in self._queues.values():
            queue.bound = False

    # -- asking

    async def _schedule_forever(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            loop = asyncio.get_running_loop()
            while turn := self._ready.next(self._free, loop.time()):
                share, amount = turn
                queue = self._queues[job_consumer(self._kind, share.tenant_id)]
                if self._standings.is_resting(share.tenant_id):
                    self._ready.unfilled(share, amount)
                    continue
                try:
                    await self._ask(queue, amount)
                except (NatsError, TimeoutError, OSError) as error:
                    if queue.asking is None:  # else it may have arrived: its time-out gives back
                        self._ready.unfilled(share, amount)
                    log.warning(
                        "lane.ask_failed", kind=self._kind.value, error=type(error).__name__
                    )
                    queue.bound = False
            if self._ready and self._free > 0:  # somebody is waited for, whose answer may be lost
                loop.call_later(PATIENCE_S, self._changed.set)

    async def _ask(self, queue: _Queue, amount: int) -> None:
        name = job_consumer(self._kind, queue.tenant_id)
        if not queue.bound:
            await self._bind(queue, name)
        queue.asking = (amount, asyncio.get_running_loop().time())
        queue.again = False
        self._free -= amount
        await self._client.publish(
            f"$JS.API.CONSUMER.MSG.NEXT.{job_stream(self._kind)}.{name}",
            msgspec.json.encode({"batch": amount, "no_wait": True}),
            reply=f"{self._inbox}.{name}",
        )

    async def _bind(self, queue: _Queue, name: str) -> None:
        config = ConsumerConfig(
            durable_name=name,
            filter_subject=job_subject(self._kind, queue.tenant_id),
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ACK_WAIT_S,
            max_ack_pending=MAX_IN_FLIGHT_PER_TENANT,
            inactive_threshold=IDLE_CONSUMER_S,
        )
        try:
            await self._jetstream.add_consumer(job_stream(self._kind), config)
        except NotFoundError:
            await ensure_stream(self._client, job_stream_config(self._kind))
            await self._jetstream.add_consumer(job_stream(self._kind), config)
        except APIError as error:
            log.warning("lane.bind_failed", kind=self._kind.value, code=error.err_code)
            raise
        queue.bound = True

    # -- answers

    async def _on_answer(self, message: Msg) -> None:
        # A status comes on the inbox, named after the consumer; a job on its own subject.
        status = message.headers.get("Status") if message.headers else None
        last = message.subject.rsplit(".", 1)[-1]
        queue = self._queues.get(last if status else f"{self._kind}_{last}")
        if queue is None:
            return
        if status is not None:
            if status not in {"404", "408", "409"}:  # 503: the consumer or the stream is gone
                queue.bound = False
            self._answered(queue, active=not queue.bound)
            return
        if queue.asking is None:  # an answer after we gave the request up; the slot is taken anyway
            self._free -= 1
            queue.share.in_flight += 1
        else:
            left = queue.asking[0] - 1
            queue.asking = (left, queue.asking[1]) if left else None
            if not left:
                self._activate(queue.tenant_id)
        self._run(queue, message)

    def _answered(self, queue: _Queue, *, active: bool) -> None:
        """Give back the slots a finished request did not fill."""
        if queue.asking is not None:
            self._free += queue.asking[0]
            self._ready.unfilled(queue.share, queue.asking[0])
            queue.asking = None
        if active or queue.again:
            queue.again = False
            self._activate(queue.tenant_id)
        self._changed.set()

    def _run(self, queue: _Queue, message: Msg) -> None:
        task = asyncio.create_task(self._work(message))
        self._tasks.add(task)
        task.add_done_callback(partial(self._done, queue))

    def _done(self, queue: _Queue, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._free += 1
        self._ready.ended(queue.share)
        self._standings.done(queue.tenant_id)
        if self._ready:
            self._changed.set()

    async def _work(self, message: Msg) -> None:
        try:
            job = msgspec.json.decode(message.data, type=JobMessage)
        except msgspec.DecodeError:
            log.exception("job.malformed", kind=self._kind.value)
            await message.term()
            return
        try:
            keeping = every(ACK_WAIT_S / 3, partial(_keep_in_progress, message))
            with self._watch.job(job, message), keeping:
                await self._handler(job)
            failpoints.hit("consumer.after_effect_before_ack")
            await message.ack()
        except asyncio.CancelledError:
            await self._hand_over(job, message)
            raise
        except Exception:
            log.exception("job.crashed", job_id=str(job.job_id), kind=self._kind.value)
            # Not acknowledged: it comes again after ACK_WAIT_S, or the relay republishes the row.

    async def _hand_over(self, job: JobMessage, message: Msg) -> None:
        """Let somebody else begin at once, instead of when the lease is over."""
        if self._give_back is None:
            return
        try:
            await self._give_back(job)
            await message.nak()
        except Exception as error:
            log.warning("job.hand_over_failed", job_id=str(job.job_id), error=type(error).__name__)


async def _keep_in_progress(message: Msg) -> None:
    try:
        await message.in_progress()
    except (NatsError, OSError) as error:
        log.warning("job.in_progress_failed", error=type(error).__name__)
