"""Measures on their way to Postgres: from many processes, over outages, exactly added up."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from shared.clock import FixedClock
from shared.db.pool import Database
from shared.db.tx import system_tx
from shared.ids import Uuid7Maker
from shared.load.heartbeat import KEPT, Heartbeat
from shared.load.histogram import bucket_of
from shared.load.meter import ALL_TENANTS, SQL, LoadMeter
from shared.telemetry.measures import Measure, listen, note

IDS = Uuid7Maker()
NOW = datetime(2026, 11, 22, 12, 0, 30, tzinfo=UTC)


@pytest.fixture
def tenant_id() -> UUID:
    return IDS.new()


async def _rows(database: Database, tenant_id: UUID) -> list[Any]:
    async with system_tx(database) as connection:
        return await connection.fetch(
            "select * from load_minutes where tenant_id = $1 order by minute, kind", tenant_id
        )


async def test_processes_add_to_the_same_minute(database: Database, tenant_id: UUID) -> None:
    meters = [LoadMeter() for _ in range(4)]
    for meter in meters:
        for seconds in (0.0001, 0.25, 9000.0):
            meter.note(Measure("turn", tenant_id, seconds))
        meter.note(Measure("scoring", tenant_id, 3.0, "failed"))

    async def flush(meter: LoadMeter) -> None:
        async with system_tx(database) as connection:
            await meter.take().store(connection, NOW)

    await asyncio.gather(*map(flush, meters))
    short = LoadMeter()
    short.note(Measure("turn", tenant_id, 0.0001, "refused"))
    await flush(short)  # a shorter histogram than what is stored
    scoring, turn = await _rows(database, tenant_id)
    assert scoring["minute"] == NOW.replace(second=0)
    assert (scoring["ok"], scoring["refused"], scoring["failed"]) == (0, 0, 4)
    assert (turn["ok"], turn["refused"], turn["failed"]) == (12, 1, 0)
    assert sum(turn["buckets"]) == 13
    assert turn["buckets"][0] == 5
    assert turn["buckets"][bucket_of(0.25)] == 4
    assert len(turn["buckets"]) == bucket_of(9000.0) + 1


async def test_everybodys_counts_are_summed_up_as_they_come(database: Database) -> None:
    at = NOW - timedelta(hours=1)
    meter = LoadMeter()
    for _ in range(3):
        meter.note(Measure("model_call", IDS.new(), 2.0))
        meter.note(Measure("model_call", IDS.new(), 4.0, "failed"))
    async with system_tx(database) as connection:
        await meter.take().store(connection, at)
    (row,) = [each for each in await _rows(database, ALL_TENANTS) if each["kind"] == "model_call"]
    assert (row["ok"], row["failed"]) == (3, 3)
    assert row["buckets"][bucket_of(2.0)] == row["buckets"][bucket_of(4.0)] == 3


async def test_minutes_are_kept_for_a_week(database: Database, tenant_id: UUID) -> None:
    for age in (KEPT + timedelta(minutes=2), KEPT - timedelta(hours=1)):
        meter = LoadMeter()
        meter.note(Measure("turn", tenant_id, 1.0))
        async with system_tx(database) as connection:
            await meter.take().store(connection, NOW - age)
    heartbeat = Heartbeat(database, "test", clock=FixedClock(NOW), period_s=3600)
    await heartbeat.beat()
    (row,) = await _rows(database, tenant_id)
    assert row["minute"] > NOW - KEPT
    await heartbeat.stop()


async def test_an_outage_loses_no_count(
    database: Database, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    heartbeat = Heartbeat(database, "test", clock=FixedClock(NOW), period_s=3600)
    stop = listen(heartbeat._meter.note)
    note(Measure("report", tenant_id, 1.0))
    with monkeypatch.context() as away:
        away.setitem(SQL._statements, "beat", "select 1 / 0")
        with pytest.raises(asyncpg.InterfaceError):
            await heartbeat.beat()
    assert await _rows(database, tenant_id) == []
    note(Measure("report", tenant_id, 1.0))
    await heartbeat.beat()
    (row,) = await _rows(database, tenant_id)
    assert row["ok"] == 2
    stop()
    await heartbeat.stop()


async def test_idle_tenants_leave_nothing(database: Database) -> None:
    heartbeat = Heartbeat(database, "test", period_s=3600)
    await heartbeat.beat()
    async with system_tx(database) as connection:
        before = await connection.fetchval("select count(*) from load_minutes")
    for _ in range(3):
        await heartbeat.beat()
    async with system_tx(database) as connection:
        assert await connection.fetchval("select count(*) from load_minutes") == before
        rows = await connection.fetch("select numbers, version from processes")
    assert [msgspec.json.decode(row["numbers"]) for row in rows] == [{}]
    assert rows[0]["version"]
    await heartbeat.stop()
