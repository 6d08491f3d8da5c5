"""Files of all counted scores: whole, exact, resumable, and never two at once."""

import csv
import io
import tracemalloc
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pyarrow.parquet as pq
import pytest

from services.reporting.documents.export_rows import FactRow
from services.reporting.documents.exporting import KEPT, LEASE, Exporter
from shared.clock import FixedClock
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import Uuid7Maker, format_id
from shared.reports import EXPORT_PART, part_row
from tests.integration.reporting.practice_world import Practice
from tests.integration.reporting.reporting_world import World
from tests.support.tenants import TenantFactory

IDS = Uuid7Maker()
NOW = datetime.now(UTC)
DAY = date(2026, 9, 30)
SCORES = {"relate.empathy": 61, "resolve.ownership": 74, "inquire.questions": 0}


@pytest.fixture
async def practice(world: World, tenants: TenantFactory) -> Practice:
    practice = Practice(world, (await tenants.new()).tenant_id)
    team = await world.team(practice.tenant_id)
    for learner in await practice.people(3, team):
        for number in range(4):
            await practice.attempt(learner, DAY - timedelta(days=number), SCORES, team_id=team)
    return practice


def _exporter(database: Database, keys: KeyRing, now: datetime = NOW, rows: int = 5) -> Exporter:
    return Exporter(database, keys, FixedClock(now), IDS, rows=rows)


async def _order(world: World, tenant_id: UUID, form: str) -> UUID:
    operation_id = IDS.new()
    await world.connection.execute(
        "insert into operations (tenant_id, operation_id, kind, status, is_scored, total,"
        " created_at, expires_at) values ($1, $2, 'report_export', 'queued', false, 0, $3, $3)",
        tenant_id,
        operation_id,
        NOW,
    )
    await world.connection.execute(
        "insert into report.exports (tenant_id, operation_id, format) values ($1, $2, $3)",
        tenant_id,
        operation_id,
        form,
    )
    return operation_id


async def _file(
    world: World, database: Database, keys: KeyRing, tenant_id: UUID, op: UUID
) -> bytes:
    async with tenant_tx(database, tenant_id) as connection:
        tenant = await keys.tenant(connection, tenant_id)
        rows = await connection.fetch(
            "select part, content from report.export_parts where tenant_id = $1"
            " and operation_id = $2 order by part",
            tenant_id,
            op,
        )
    assert [row["part"] for row in rows] == list(range(len(rows)))
    return b"".join(
        tenant.open(row["content"], EXPORT_PART, part_row(op, row["part"])) for row in rows
    )


async def _operation(world: World, op: UUID) -> Any:
    return await world.connection.fetchrow(
        "select status, total, ended_at is not null as has_ended from operations"
        " where operation_id = $1",
        op,
    )


def _read(content: bytes, form: str) -> list[FactRow]:
    if form == "parquet":
        found = pq.read_table(io.BytesIO(content)).to_pylist()
        return [msgspec.convert(row, FactRow) for row in found]
    if form == "ndjson":
        return [msgspec.json.decode(line, type=FactRow) for line in content.splitlines()]
    rows = csv.DictReader(io.StringIO(content.decode()))
    return [
        msgspec.convert({k: v or None for k, v in row.items()}, FactRow, strict=False)
        for row in rows
    ]


@pytest.mark.parametrize("form", ["csv", "ndjson", "parquet"])
async def test_a_file_holds_every_counted_score_once(
    world: World, database: Database, keys: KeyRing, practice: Practice, form: str
):
    op = await _order(world, practice.tenant_id, form)
    assert await _exporter(database, keys).write(practice.tenant_id, op)

    rows = _read(await _file(world, database, keys, practice.tenant_id, op), form)
    facts = await world.connection.fetch(
        "select scoring_id, skill, score, day, source from facts where tenant_id = $1"
        " order by scoring_id, skill",
        practice.tenant_id,
    )
    assert [(row.scoring_id, row.skill, row.score, row.day, row.source) for row in rows] == [
        (format_id("scr", each["scoring_id"]), *tuple(each)[1:]) for each in facts
    ]
    assert len(rows) == 3 * 4 * len(SCORES)
    assert all(row.learner_id and row.team_id for row in rows)
    assert tuple(await _operation(world, op)) == ("succeeded", len(rows), True)
    told = await world.connection.fetchval(
        "select count(*) from events where resource_id = $1 and type = 'operation.ended'", op
    )
    assert told == 1
    assert not await _exporter(database, keys).write(practice.tenant_id, op)  # it is done


async def test_a_tenant_without_scores_gets_a_file_without_rows(
    world: World, database: Database, keys: KeyRing, tenants: TenantFactory
):
    tenant_id = (await tenants.new()).tenant_id
    for form in ("csv", "parquet"):
        op = await _order(world, tenant_id, form)
        assert await _exporter(database, keys).write(tenant_id, op)
        assert _read(await _file(world, database, keys, tenant_id, op), form) == []


async def test_who_has_the_lease_writes_and_after_a_crash_it_is_begun_anew(
    world: World, database: Database, keys: KeyRing, practice: Practice
):
    op = await _order(world, practice.tenant_id, "ndjson")
    await world.connection.execute(
        "update report.exports set lease_until = $2, starts = 1 where operation_id = $1",
        op,
        NOW + LEASE,
    )
    await world.connection.execute(
        "insert into report.export_parts values ($1, $2, 0, 'left over')", practice.tenant_id, op
    )
    assert not await _exporter(database, keys).write(practice.tenant_id, op)
    later = _exporter(database, keys, NOW + 2 * LEASE)
    assert await later.write(practice.tenant_id, op)
    content = await _file(world, database, keys, practice.tenant_id, op)
    assert len(content.splitlines()) == 36


async def test_what_crashes_again_and_again_fails_visibly(
    world: World, database: Database, keys: KeyRing, practice: Practice
):
    op = await _order(world, practice.tenant_id, "csv")
    await world.connection.execute(
        "update report.exports set starts = 5 where operation_id = $1", op
    )
    assert not await _exporter(database, keys).write(practice.tenant_id, op)
    assert (await _operation(world, op))["status"] == "failed"


async def test_a_canceled_one_is_not_written(
    world: World, database: Database, keys: KeyRing, practice: Practice
):
    op = await _order(world, practice.tenant_id, "csv")
    await world.connection.execute(
        "update operations set status = 'canceled', ended_at = $2 where operation_id = $1", op, NOW
    )
    assert not await _exporter(database, keys).write(practice.tenant_id, op)
    assert (await _operation(world, op))["status"] == "canceled"
    assert await _file(world, database, keys, practice.tenant_id, op) == b""


async def test_old_files_are_deleted_and_orders_found(
    world: World, database: Database, keys: KeyRing, practice: Practice
):
    op = await _order(world, practice.tenant_id, "csv")
    exporter = _exporter(database, keys)
    await exporter.sweep()
    assert (practice.tenant_id, op) in exporter._waiting
    await exporter.write(practice.tenant_id, op)
    await _exporter(database, keys, NOW + KEPT + timedelta(days=1)).sweep()
    left = await world.connection.fetchval(
        "select count(*) from report.export_parts where operation_id = $1", op
    )
    assert left == 0


async def test_hidden_skills_stay_hidden(
    world: World, database: Database, keys: KeyRing, practice: Practice
):
    await world.connection.execute(
        "insert into tenant_skills (tenant_id, key, is_own, hidden, updated_at)"
        " values ($1, 'relate.empathy', false, true, $2)",
        practice.tenant_id,
        NOW,
    )
    op = await _order(world, practice.tenant_id, "csv")
    await _exporter(database, keys).write(practice.tenant_id, op)
    content = await _file(world, database, keys, practice.tenant_id, op)
    assert b"relate.empathy" not in content
    assert len(_read(content, "csv")) == 24


async def test_memory_does_not_grow_with_the_rows(
    world: World, database: Database, keys: KeyRing, tenants: TenantFactory
):
    tenant_id = (await tenants.new()).tenant_id

    async def peak() -> int:
        await world.connection.execute(_MANY, tenant_id, 4_000)
        op = await _order(world, tenant_id, "csv")
        tracemalloc.start()
        assert await _exporter(database, keys, rows=1000).write(tenant_id, op)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    small = await peak()
    assert await peak() < small * 1.3 + 500_000  # with twice as many rows


_MANY = """
with made as (
  insert into attempts (tenant_id, scoring_id, assessment_id, revision, person_id, source, day, rubric_id,
                        rubric_version, engine)
  select $1, gen_random_uuid(), gen_random_uuid(), 1, gen_random_uuid(), 'call', '2026-09-30', $1, 1, 'e 1'
    from generate_series(1, $2::int)
  returning scoring_id, person_id, day
)
insert into facts (tenant_id, scoring_id, skill, revision, team_id, person_id, source, day, score)
select $1, scoring_id, 'relate.empathy', 1, null, person_id, 'call', day, 50 from made
"""
