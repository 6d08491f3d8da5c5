"""The pull loop on a real JetStream."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID, uuid4

import pytest
from nats.aio.client import Client

from infra.devstack.stack import Stack
from shared.contracts.jobs import JobKind, JobMessage
from shared.messaging import consumer as consumer_module
from shared.messaging.consumer import LaneConsumer
from shared.messaging.publisher import Publisher
from tests.support.waiting import eventually

Seen = list[JobMessage]


def _job(tenant_id: UUID, attempt: int = 1) -> JobMessage:
    return JobMessage(tenant_id=tenant_id, job_id=uuid4(), kind=JobKind.BATCH, attempt=attempt)


def _of(seen: Seen, tenants: list[UUID]) -> Seen:
    return [message for message in seen if message.tenant_id in tenants]


@pytest.fixture
async def lane(nats: Client) -> AsyncIterator[Callable[..., Awaitable[LaneConsumer]]]:
    running: list[LaneConsumer] = []

    async def start(handler: consumer_module.Handler, slots: int = 4) -> LaneConsumer:
        consumer = LaneConsumer(nats, JobKind.BATCH, handler, slots=slots)
        await consumer.start()
        running.append(consumer)
        return consumer

    yield start
    for consumer in running:
        await consumer.stop()


class TestDelivery:
    async def test_every_job_arrives_once(self, nats: Client, lane) -> None:
        seen: Seen = []

        async def handler(message: JobMessage) -> None:
            seen.append(message)

        await lane(handler)
        tenants = [uuid4() for _ in range(3)]
        jobs = [_job(tenant) for tenant in tenants for _ in range(40)]
        for job in jobs:
            assert await Publisher(nats).job(job)
        # Other modules may have left jobs of their own tenants in the run's one stream.
        await eventually(lambda: len(_of(seen, tenants)) >= len(jobs))
        assert Counter(m.job_id for m in _of(seen, tenants)) == Counter(m.job_id for m in jobs)

    async def test_never_more_than_the_slots_at_once(self, nats: Client, lane) -> None:
        running = 0
        most = 0
        done = 0

        tenants = [uuid4() for _ in range(4)]

        async def handler(message: JobMessage) -> None:
            nonlocal running, most, done
            if message.tenant_id not in tenants:
                return
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.01)
            running -= 1
            done += 1

        await lane(handler, slots=5)
        for tenant in tenants:
            for _ in range(15):
                await Publisher(nats).job(_job(tenant))
        await eventually(lambda: done == 60)
        assert 2 <= most <= 5

    async def test_a_quiet_tenant_does_not_wait_behind_a_noisy_one(
        self, nats: Client, lane
    ) -> None:
        order: list[UUID] = []

        async def handler(message: JobMessage) -> None:
            await asyncio.sleep(0.002)
            order.append(message.tenant_id)

        noisy, quiet = uuid4(), uuid4()
        for _ in range(400):
            await Publisher(nats).job(_job(noisy))
        for _ in range(5):
            await Publisher(nats).job(_job(quiet))
        await lane(handler, slots=8)
        await eventually(lambda: len(order) >= 405)
        assert max(i for i, tenant in enumerate(order) if tenant == quiet) < 100

    async def test_a_failed_job_comes_again(
        self, nats: Client, lane, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(consumer_module, "ACK_WAIT_S", 0.5)
        monkeypatch.setattr(consumer_module, "LIST_EVERY_S", 0.2)
        seen: Seen = []

        async def handler(message: JobMessage) -> None:
            if message.job_id != job.job_id:
                return
            seen.append(message)
            if len(seen) == 1:
                raise RuntimeError("first try")

        job = _job(uuid4())
        await lane(handler)
        await Publisher(nats).job(job)
        await eventually(lambda: len(seen) == 2)
        assert {m.job_id for m in seen} == {job.job_id}


class TestRecovery:
    async def test_goes_on_after_the_store_is_wiped(
        self, stack: Stack, nats: Client, lane, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(consumer_module, "LIST_EVERY_S", 0.2)
        seen: Seen = []

        tenant = uuid4()

        async def handler(message: JobMessage) -> None:
            if message.tenant_id == tenant:
                seen.append(message)

        await lane(handler)
        await Publisher(nats).job(_job(tenant))
        await eventually(lambda: len(seen) == 1)
        await asyncio.to_thread(stack.restart, "nats", wipe=True)

        async def published() -> bool:
            return await Publisher(nats).job(_job(tenant))

        await eventually(published, timeout_s=20)
        await eventually(lambda: len(seen) >= 2, timeout_s=20)
