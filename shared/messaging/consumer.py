"""The pull loop of a worker: fair between tenants, bounded by free slots.

Each tenant has a consumer of its own in the lane's stream. A worker asks for no more messages than
it has free slots, tenants in deficit round robin, and waits on one inbox subscription: an idle
tenant costs nothing, and a tenant with thousands of jobs cannot stand in front of another.

A request is `no_wait`: it is answered at once with messages or with "none". "None" makes the
tenant idle until the next wake-up (`wake.<kind>.<tenant>`) or the next listing of subjects that
hold messages.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
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
from shared.messaging.topology import ensure_stream, job_stream_config
from shared.periodic import every
from shared.tasks import end

log = get_logger()

ACK_WAIT_S = 9.0
"""Seconds JetStream waits before it hands an unfinished message to someone else. A little more
than the
lease of the row (8 s), so that the redelivered message finds the lease expired."""

LIST_EVERY_S = 5.0
"""Seconds between two listings of subjects that hold messages: the net under lost wake-ups."""

IDLE_CONSUMER_S = 300.0
"""Seconds after which the server forgets a tenant's unused consumer."""

QUANTUM = 8
"""Messages a tenant may ask for before the next tenant's turn comes."""

MAX_IN_FLIGHT_PER_TENANT = 2000
"""Unacknowledged messages of one tenant over all workers."""

REQUEST_TIMEOUT_S = 2.0
"""Seconds after which a request without an answer is taken as lost (the server restarted)."""

Handler = Callable[[JobMessage], Awaitable[None]]
"""Does the job. Returning means done (acknowledge); raising means try again later."""


class _Queue:
    """What a worker knows of one tenant's queue."""

    def __init__(self, tenant_id: UUID) -> None:
        self.tenant_id = tenant_id
        self.bound = False
        self.asking: tuple[int, float] | None = None  # messages asked for, time of asking
        self.again = False  # a wake-up came while asking


class LaneConsumer:
    """Runs one lane's jobs in this process, at most `slots` at once."""

    def __init__(self, client: Client, kind: JobKind, handler: Handler, *, slots: int) -> None:
        self._client = client
        self._jetstream = client.jetstream()
        self._kind = kind
        self._handler = handler
        self._slots = slots
        self._free = slots
        self._queues: dict[str, _Queue] = {}
        self._ready: deque[_Queue] = deque()
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
        self._loops = [
            asyncio.create_task(self._schedule_forever()),
            asyncio.create_task(self._list_forever()),
        ]

    async def stop(self) -> None:
        """Take no more jobs; return when those in hand are finished."""
        await end(self._loops)
        for subscription in self._subscriptions:
            await subscription.unsubscribe()
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- which tenants have work

    async def _on_wake(self, message: Msg) -> None:
        try:
            self._activate(job_tenant(message.subject))
        except InvalidIdError:
            log.warning("wake.malformed", kind=self._kind.value)

    def _activate(self, tenant_id: UUID) -> None:
        name = job_consumer(self._kind, tenant_id)
        queue = self._queues.get(name)
        if queue is None:
            queue = self._queues[name] = _Queue(tenant_id)
        if queue.asking is not None:
            queue.again = True
        elif queue not in self._ready:
            self._ready.append(queue)
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
            while self._free > 0 and self._ready:
                queue = self._ready.popleft()
                try:
                    await self._ask(queue, min(QUANTUM, self._free))
                except (NatsError, TimeoutError, OSError) as error:
                    log.warning(
                        "lane.ask_failed", kind=self._kind.value, error=type(error).__name__
                    )
                    queue.bound = False

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
        else:
            left = queue.asking[0] - 1
            queue.asking = (left, queue.asking[1]) if left else None
            if not left:
                self._activate(queue.tenant_id)
        self._run(message)

    def _answered(self, queue: _Queue, *, active: bool) -> None:
        """Give back the slots a finished request did not fill."""
        if queue.asking is not None:
            self._free += queue.asking[0]
            queue.asking = None
        if active or queue.again:
            queue.again = False
            self._activate(queue.tenant_id)
        self._changed.set()

    def _run(self, message: Msg) -> None:
        task = asyncio.create_task(self._work(message))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._free += 1
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
            with every(ACK_WAIT_S / 3, partial(_keep_in_progress, message)):
                await self._handler(job)
            failpoints.hit("consumer.after_effect_before_ack")
            await message.ack()
        except Exception:
            log.exception("job.crashed", job_id=str(job.job_id), kind=self._kind.value)
            # Not acknowledged: it comes again after ACK_WAIT_S, or the relay republishes the row.


async def _keep_in_progress(message: Msg) -> None:
    try:
        await message.in_progress()
    except (NatsError, OSError) as error:
        log.warning("job.in_progress_failed", error=type(error).__name__)
