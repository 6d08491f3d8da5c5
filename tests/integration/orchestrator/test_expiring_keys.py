"""A key that ends is announced a week and a day before, once each. [R-C4]"""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from nats.aio.client import Client as NatsClient
from temporalio.client import Client as TemporalClient

from services.orchestrator.context import Context
from services.orchestrator.expiring_keys import ExpiringKeys
from shared.clock import FixedClock
from shared.config import Settings
from shared.db.outbox import add_event
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import Uuid7Maker
from shared.keys import new_key, warnings_past
from shared.messaging.publisher import Publisher
from tests.support.tenants import Tenant, TenantFactory

IDS = Uuid7Maker()
NOON = datetime(2031, 5, 14, 12, tzinfo=UTC)
"""Far from the ends of other tests' keys."""


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
def ending(
    settings: Settings, database: Database, nats: NatsClient, clock: FixedClock
) -> ExpiringKeys:
    context = Context(
        settings=settings,
        database=database,
        publisher=Publisher(nats),
        temporal=cast("TemporalClient", None),  # nothing here asks it
        clock=clock,
        ids=IDS,
    )
    return ExpiringKeys(context)


@pytest.fixture
async def tenant(tenants: TenantFactory) -> Tenant:
    return await tenants.new()


async def _key(
    database: Database,
    tenant: Tenant,
    expires_at: datetime | None,
    *,
    revoked_at: datetime | None = None,
    made_at: datetime = NOON,
) -> str:
    key = new_key("live", IDS, os.urandom)
    async with tenant_tx(database, tenant.tenant_id) as connection:
        await connection.execute(
            "insert into api_keys (tenant_id, key_id, hash, environment, scopes, expires_at,"
            " revoked_at, warnings, created_at) values ($1, $2, $3, 'live', '{}', $4, $5, $6, $7)",
            tenant.tenant_id,
            key.key_id,
            key.hash,
            expires_at,
            revoked_at,
            warnings_past(expires_at, made_at),
            made_at,
        )
    return str(key.key_id)


async def _told(database: Database, tenant: Tenant) -> list[str]:
    async with tenant_tx(database, tenant.tenant_id) as connection:
        rows = await connection.fetch(
            "select resource_id, data from events where tenant_id = $1"
            " and type = 'api_key.expiring' order by occurred_at, sequence",
            tenant.tenant_id,
        )
    assert all("2031" in row["data"] for row in rows)
    return [str(row["resource_id"]) for row in rows]


async def test_a_week_and_a_day_before(
    ending: ExpiringKeys, clock: FixedClock, database: Database, tenant: Tenant
) -> None:
    key = await _key(database, tenant, NOON + timedelta(days=30))
    for days, warned in ((0, 0), (22, 0), (23, 1), (24, 1), (28, 1), (29, 2), (29.5, 2), (31, 2)):
        clock.at = NOON + timedelta(days=days)
        await ending.warn()
        assert await _told(database, tenant) == [key] * warned, days


async def test_who_was_away_for_the_first_warning_sends_one(
    ending: ExpiringKeys, clock: FixedClock, database: Database, tenant: Tenant
) -> None:
    key = await _key(database, tenant, NOON + timedelta(days=30))
    clock.at = NOON + timedelta(days=29, hours=12)

    assert await ending.warn() == 1
    assert await ending.warn() == 0
    assert await _told(database, tenant) == [key]


async def test_keys_that_need_no_warning(
    ending: ExpiringKeys, clock: FixedClock, database: Database, tenant: Tenant
) -> None:
    soon = NOON + timedelta(hours=1)
    await _key(database, tenant, None)
    await _key(database, tenant, soon)
    await _key(database, tenant, NOON - timedelta(hours=1), made_at=NOON - timedelta(days=90))
    await _key(database, tenant, soon, revoked_at=NOON, made_at=NOON - timedelta(days=90))

    assert await ending.warn() == 0
    assert await _told(database, tenant) == []


async def test_several_processes_send_one(
    ending: ExpiringKeys, clock: FixedClock, database: Database, tenant: Tenant
) -> None:
    key = await _key(database, tenant, NOON + timedelta(days=30))
    clock.at = NOON + timedelta(days=25)

    counts = await asyncio.gather(*(ending.warn() for _ in range(4)))

    assert sum(counts) == 1
    assert await _told(database, tenant) == [key]


async def test_a_key_that_cannot_be_warned_of_stops_no_other(
    ending: ExpiringKeys,
    clock: FixedClock,
    database: Database,
    tenant: Tenant,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bad = await _key(database, tenant, NOON + timedelta(days=30))
    good = await _key(database, tenant, NOON + timedelta(days=30, minutes=1))
    clock.at = NOON + timedelta(days=25)

    async def refuses(*args: Any, now: datetime) -> None:
        if str(args[4]) == bad:
            raise RuntimeError("planted")
        await add_event(*args, now=now)

    monkeypatch.setattr("services.orchestrator.expiring_keys.add_event", refuses)

    assert await ending.warn() == 1
    assert await _told(database, tenant) == [good]
    monkeypatch.undo()
    assert await ending.warn() == 1
