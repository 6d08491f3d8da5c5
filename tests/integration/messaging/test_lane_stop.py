"""A worker that stops finishes what it has, and hands over at once what it cannot finish."""

import asyncio
import time
from uuid import uuid4

from nats.aio.client import Client

from shared.contracts.jobs import JobKind, JobMessage
from shared.messaging.consumer import LaneConsumer
from shared.messaging.leaving import LEAVE_S, leave
from shared.messaging.publisher import Publisher
from tests.support.waiting import eventually


def _jobs(amount: int) -> list[JobMessage]:
    tenant_id = uuid4()
    return [
        JobMessage(tenant_id=tenant_id, job_id=uuid4(), kind=JobKind.BATCH, attempt=1)
        for _ in range(amount)
    ]


async def test_what_is_in_hand_is_finished_and_the_rest_is_somebody_elses(nats: Client) -> None:
    published = _jobs(40)
    jobs = {job.job_id for job in published}
    done: list[str] = []

    def worker(name: str) -> LaneConsumer:
        async def handle(message: JobMessage) -> None:
            await asyncio.sleep(0.1)
            if message.job_id in jobs:
                done.append(f"{name} {message.job_id}")

        return LaneConsumer(nats, JobKind.BATCH, handle, slots=4)

    first, second = worker("first"), worker("second")
    await first.start()
    for job in published:
        await Publisher(nats).job(job)
    await eventually(lambda: len(done) >= 4)
    started = time.monotonic()
    await first.stop()
    by_first = len(done)
    await second.start()
    # Sooner than a message comes again that was given to somebody who is gone (9 s).
    await eventually(lambda: len(done) >= 40, timeout_s=8)
    await second.stop()
    assert len(done) == 40, "each once"
    assert {line.split()[1] for line in done} == {str(one) for one in jobs}
    assert 4 <= by_first < 40
    assert all(line.startswith("second") for line in done[by_first:])
    assert time.monotonic() - started < 9


async def test_what_takes_too_long_is_begun_anew_at_once(nats: Client) -> None:
    (job,) = _jobs(1)
    given_back: list[JobMessage] = []
    begun, finished = asyncio.Event(), asyncio.Event()

    async def endless(message: JobMessage) -> None:
        if message.job_id == job.job_id:
            begun.set()
            await asyncio.Event().wait()

    async def quick(message: JobMessage) -> None:
        if message.job_id == job.job_id:
            assert given_back, "the row is free before the message comes"
            finished.set()

    async def give_back(message: JobMessage) -> None:
        given_back.append(message)

    slow = LaneConsumer(nats, JobKind.BATCH, endless, slots=4, give_back=give_back)
    await slow.start()
    await Publisher(nats).job(job)
    async with asyncio.timeout(10):
        await begun.wait()
    await slow.stop(patience_s=0.1)
    assert given_back == [job]
    other = LaneConsumer(nats, JobKind.BATCH, quick, slots=4)
    await other.start()
    async with asyncio.timeout(8):
        await finished.wait()
    await other.stop()


async def test_leaving_a_server_that_is_away_takes_a_moment_only() -> None:
    class Gone:
        closed = False

        async def drain(self) -> None:
            await asyncio.Event().wait()

        async def close(self) -> None:
            self.closed = True

    gone = Gone()
    started = time.monotonic()
    await leave(gone)
    assert gone.closed
    assert time.monotonic() - started < LEAVE_S + 2
