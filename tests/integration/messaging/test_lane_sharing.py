"""Weights, pauses and slots of tenants on a real JetStream. [R-C8, R-C9]"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID, uuid4

import pytest
from nats.aio.client import Client

from infra.tenant_limits import LimitRegistry
from shared.clock import SystemClock
from shared.contracts.jobs import JobKind, JobMessage
from shared.db.pool import Database
from shared.messaging import consumer as consumer_module
from shared.messaging.consumer import LaneConsumer
from shared.messaging.publisher import Publisher
from shared.messaging.topology import ensure_stream, job_stream_config
from shared.tenancy.book import LimitsBook
from shared.tenancy.drains import Drains
from shared.tenancy.limits import Defaults
from shared.tenancy.standing import LaneStandings
from shared.tenancy.waking import wake
from tests.support.tenants import TenantFactory
from tests.support.waiting import eventually

DEFAULTS = Defaults(requests_per_minute=1000, backlog=1000)

Start = Callable[..., Awaitable[LaneConsumer]]


@pytest.fixture
def drains(database: Database) -> Drains:
    return Drains(database, SystemClock())


@pytest.fixture
async def lane(nats: Client, database: Database, drains: Drains) -> AsyncIterator[Start]:
    running: list[LaneConsumer] = []

    async def start(
        handler: consumer_module.Handler, slots: int = 16, kind: JobKind = JobKind.BATCH
    ) -> LaneConsumer:
        standings = LaneStandings(LimitsBook(database, DEFAULTS), kind, drains)
        consumer = LaneConsumer(nats, kind, handler, slots=slots, standings=standings)
        await consumer.start()
        running.append(consumer)
        return consumer

    yield start
    for consumer in running:
        await consumer.stop()


@pytest.fixture(autouse=True)
async def _streams(nats: Client) -> None:
    for kind in (JobKind.BATCH, JobKind.FLOW):
        await ensure_stream(nats, job_stream_config(kind))


async def publish(nats: Client, tenant_id: UUID, count: int, kind: JobKind = JobKind.BATCH) -> None:
    publisher = Publisher(nats)
    for _ in range(count):
        await publisher.job(JobMessage(tenant_id=tenant_id, job_id=uuid4(), kind=kind, attempt=1))


async def test_backlogs_share_by_weight(
    nats: Client, database: Database, tenants: TenantFactory, lane: Start
) -> None:
    registry = LimitRegistry(database, DEFAULTS)
    weights: dict[UUID, int] = {}
    for weight in (5, 3, 2):
        tenant_id = (await tenants.new()).tenant_id
        await registry.set_limit(tenant_id, "weight", weight, "test")
        weights[tenant_id] = weight
        await publish(nats, tenant_id, 400)
    order: list[UUID] = []

    async def handler(message: JobMessage) -> None:
        if message.tenant_id in weights:
            await asyncio.sleep(0.002)
            order.append(message.tenant_id)

    await lane(handler)
    await eventually(lambda: len(order) >= 1200, timeout_s=60)
    # As long as the heaviest has work all three have; the first round is not looked at.
    heaviest = next(iter(weights))
    upto = [i for i, one in enumerate(order) if one == heaviest][-1]
    had = Counter(order[80:upto])
    for tenant_id, weight in weights.items():
        assert abs(had[tenant_id] / had.total() - weight / 10) <= 0.06


async def test_a_tenant_whose_jobs_hang_leaves_slots_to_others(
    nats: Client, tenants: TenantFactory, lane: Start
) -> None:
    slow, quick = [(await tenants.new()).tenant_id for _ in range(2)]
    release, started, done = asyncio.Event(), 0, 0

    async def handler(message: JobMessage) -> None:
        nonlocal started, done
        if message.tenant_id == slow:
            started += 1
            await release.wait()
        elif message.tenant_id == quick:
            done += 1

    await publish(nats, slow, 60)
    await lane(handler, slots=16)
    await eventually(lambda: started == 14)
    await publish(nats, quick, 20)
    await eventually(lambda: done == 20)
    assert started == 14
    release.set()
    await eventually(lambda: started >= 60)


async def test_a_paused_tenant_rests_in_the_background_and_goes_on_when_resumed(
    nats: Client,
    database: Database,
    tenants: TenantFactory,
    lane: Start,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(consumer_module, "LIST_EVERY_S", 0.1)
    registry = LimitRegistry(database, DEFAULTS)
    paused, other = [(await tenants.new()).tenant_id for _ in range(2)]
    await registry.set_status(paused, "paused")
    seen: Counter[UUID] = Counter()
    turns: Counter[UUID] = Counter()

    async def handler(message: JobMessage) -> None:
        seen[message.tenant_id] += 1

    async def take_turn(message: JobMessage) -> None:
        turns[message.tenant_id] += 1

    await lane(handler)
    await lane(take_turn, kind=JobKind.FLOW)
    for tenant_id in (paused, other):
        await publish(nats, tenant_id, 5)
        await publish(nats, tenant_id, 5, JobKind.FLOW)
    await eventually(lambda: seen[other] == 5 and turns[other] == 5)
    await eventually(lambda: turns[paused] == 5)
    await publish(nats, other, 1)
    await eventually(lambda: seen[other] == 6)
    assert seen[paused] == 0

    await registry.set_status(paused, "active")
    await wake(nats, paused)
    await eventually(lambda: seen[paused] == 5, timeout_s=4)


async def test_a_drained_tenant_is_worked_off(
    nats: Client, database: Database, tenants: TenantFactory, lane: Start, drains: Drains
) -> None:
    tenant_id = (await tenants.new()).tenant_id
    await LimitRegistry(database, DEFAULTS).set_status(tenant_id, "draining")
    seen = 0

    async def handler(message: JobMessage) -> None:
        nonlocal seen
        seen += message.tenant_id == tenant_id

    await publish(nats, tenant_id, 7)
    await lane(handler)
    await eventually(lambda: drains._done[tenant_id, "batch"] == 7)
    assert seen == 7
