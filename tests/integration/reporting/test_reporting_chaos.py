"""Duplicates, another order, lost hints, replays and kill -9: in the end, what SQL counts."""

import asyncio
import random
import struct
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import asyncpg
import msgspec
import pytest
from nats.aio.client import Client

from infra.bench.assessed import START, Shape, revise, seed
from services.reporting.rebuild import verify
from shared.config import Settings
from shared.contracts.events import EventHeader
from shared.contracts.subjects import event_subject
from shared.db.pool import Database
from shared.ids import Uuid7Maker
from tests.integration.reporting.reporting_process import ReportingProcess
from tests.support.waiting import eventually

FROM_SCRATCH = """
with latest as (
  select distinct on (scoring_id) scoring_id, assessment_id from assessments
   where tenant_id = $1 order by scoring_id, revision desc
), counted as (
  select l.*, s.source, p.person_id, s.learner_id, (s.occurred_at at time zone t.time_zone)::date as day
    from latest l
    join scorings s on s.tenant_id = $1 and s.scoring_id = l.scoring_id and s.excluded is null
    join learners p on p.tenant_id = $1 and p.learner_id = s.learner_id
    join tenants t on t.tenant_id = $1
)
select m.team_id, k.skill, c.source, c.person_id, k.score, count(*) as amount,
       greatest(date_trunc('week', day), date_trunc('month', day))::date as bucket
  from counted c
  join assessment_skills k on k.tenant_id = $1 and k.assessment_id = c.assessment_id and k.status = 'scored'
  join memberships m on m.tenant_id = $1 and m.learner_id = c.learner_id and m.valid_from <= c.day
                    and (m.valid_to is null or c.day < m.valid_to)
 group by m.team_id, k.skill, c.source, c.person_id, k.score, bucket
"""
"""Every score that counts, from the tables of the other rooms; nothing of reporting is in it."""

AGAIN = """
insert into events (tenant_id, event_id, type, resource_id, sequence, data, occurred_at)
select tenant_id, gen_random_uuid(), type, resource_id, 1000 + row_number() over (), data, occurred_at
  from events where tenant_id = $1 and position is null order by random() limit $2
"""

PLACE = """
with placed as (
  update events e set position = n.position
    from (select event_id, coalesce((select position from event_heads where tenant_id = $1), 0)
                           + row_number() over (order by random()) as position
            from events where tenant_id = $1 and position is null) n
   where e.tenant_id = $1 and e.event_id = n.event_id
  returning e.position
)
insert into event_heads (tenant_id, position)
select $1, max(position) from placed having count(*) > 0
on conflict (tenant_id) do update set position = excluded.position
"""
"""Positions in no order at all: later revisions may come first."""


LEVEL = """
select coalesce((select position from consumer_positions where tenant_id = $1
                    and consumer = 'reporting'), 0) as position,
       (select position from event_heads where tenant_id = $1) as head,
       exists (select from report_marks where tenant_id = $1) as marks
"""


class Size(NamedTuple):
    scorings: int
    skills: int
    kills: int


class Chaos:
    """One tenant, its writer, and the process that is killed."""

    def __init__(
        self, size: Size, owner: asyncpg.Connection, process: ReportingProcess, hints: Client
    ) -> None:
        self._size = size
        self._owner = owner
        self._process = process
        self._hints = hints
        self._chance = random.Random(20261122)
        self.tenant_id: UUID = Uuid7Maker().new()
        self.kills = 0

    async def seed(self) -> None:
        """First revisions, each event once or twice, in no order."""
        size = self._size
        shape = Shape(size.scorings, teams=5, people=60, skills=size.skills, days=70)
        await seed(self._owner, self.tenant_id, shape)
        await self._owner.execute(
            "update events set position = null where tenant_id = $1", self.tenant_id
        )
        await self._owner.execute("delete from event_heads where tenant_id = $1", self.tenant_id)
        await self._scatter()

    async def run(self) -> None:
        """Kill, change, hint, replay; then let it come level."""
        for _ in range(self._size.kills):
            begun, head = await self._position(), await self.head()
            self._process.start()
            await self._reaches(begun + 1 + int(self._chance.random() * (head - begun) * 0.8))
            await self._hint(50)
            self._process.kill()
            self.kills += 1
            await self._change()
        self._process.start()
        await self._reaches(await self.head())
        self._process.stop()

    async def head(self) -> int:
        return await self._owner.fetchval(
            "select position from event_heads where tenant_id = $1", self.tenant_id
        )

    async def _position(self) -> int:
        found: int | None = await self._owner.fetchval(
            "select position from consumer_positions where tenant_id = $1", self.tenant_id
        )
        return found or 0

    async def _change(self) -> None:
        """What other rooms do meanwhile; and the consumer is set back, as by an old backup."""
        await self._revise()
        await self._move_people()
        await self._owner.execute(
            "update scorings set excluded = case when excluded is null then 'simulator_fault' end"
            " where tenant_id = $1 and scoring_id in (select scoring_id from scorings"
            " where tenant_id = $1 order by random() limit 20)",
            self.tenant_id,
        )
        await self._owner.execute(
            "update consumer_positions set position = floor(position * $2::float8) where tenant_id = $1",
            self.tenant_id,
            self._chance.uniform(0.6, 1),
        )

    async def _revise(self) -> None:
        amount = self._size.scorings // (2 * self._size.kills)
        first = self._chance.randint(1, self._size.scorings - amount)
        chosen = (first, first + amount)
        await revise(self._owner, self.tenant_id, chosen, self.kills + 1, self._size.skills)
        await self._scatter()

    async def _move_people(self) -> None:
        """Some have been in another team since some day of the past."""
        for row in await self._owner.fetch(
            "select learner_id, valid_from from memberships where tenant_id = $1"
            " and valid_to is null order by random() limit 3",
            self.tenant_id,
        ):
            since = START.date() + timedelta(days=self._chance.randint(0, 70))
            if since <= row["valid_from"]:
                continue
            async with self._owner.transaction():
                await self._owner.execute(
                    "update memberships set valid_to = $3 where tenant_id = $1"
                    " and learner_id = $2 and valid_to is null",
                    self.tenant_id,
                    row["learner_id"],
                    since,
                )
                await self._owner.execute(
                    "insert into memberships select $1, $2, team_id, $3 from teams"
                    " where tenant_id = $1 order by random() limit 1",
                    self.tenant_id,
                    row["learner_id"],
                    since,
                )

    async def _scatter(self) -> None:
        """Half of the new events come twice, all in no order."""
        waiting = await self._owner.fetchval(
            "select count(*) from events where tenant_id = $1 and position is null",
            self.tenant_id,
        )
        await self._owner.execute(AGAIN, self.tenant_id, waiting // 2)
        await self._owner.execute(PLACE, self.tenant_id)

    async def _hint(self, amount: int) -> None:
        """Most hints are lost; some come twice, of events long gone or of none."""
        kind = "scoring.completed"
        for _ in range(amount):
            header = EventHeader(
                tenant_id=self.tenant_id,
                event_id=UUID(int=self._chance.getrandbits(128)),
                type=kind,
                resource_id=UUID(int=self._chance.getrandbits(128)),
                sequence=1,
                position=self._chance.randint(1, 10**6),
            )
            payload = msgspec.json.encode(header) if self._chance.random() < 0.9 else b"{"
            await self._hints.publish(event_subject(self.tenant_id, kind), payload)
        await self._hints.flush()

    async def _reaches(self, position: int) -> None:
        async def is_there() -> bool:
            self._process.assert_alive()
            row = await self._owner.fetchrow(LEVEL, self.tenant_id)
            assert row is not None
            if row["position"] >= position and (position < row["head"] or not row["marks"]):
                return True
            await asyncio.sleep(0.05)  # asking more often would take the processor from who works
            return False

        await eventually(is_there, timeout_s=500)


@pytest.fixture
def process(reporting_settings: Settings, tmp_path: Path) -> Iterator[ReportingProcess]:
    running = ReportingProcess(reporting_settings, tmp_path / "reporting.out")
    yield running
    running.clean_up()


@pytest.fixture
async def owner(database_url: str):
    connection = await asyncpg.connect(
        database_url, server_settings={"search_path": "app,report", "timezone": "UTC"}
    )
    yield connection
    await connection.close()


Cell = tuple[UUID, str, str, date]
Counts = tuple[dict[int, int], dict[UUID, tuple[int, int]]]
"""How often each score; per person number and sum."""


async def stored(owner: asyncpg.Connection, tenant_id: UUID) -> dict[Cell, Counts]:
    found: dict[Cell, Counts] = {}
    for row in await owner.fetch("select * from rollups where tenant_id = $1", tenant_id):
        histogram = struct.unpack("<101i", row["histogram"])
        scores = {score: amount for score, amount in enumerate(histogram) if amount}
        people = {
            UUID(bytes=person): (n, total)
            for person, n, total in struct.iter_unpack("<16sii", row["people"])
        }
        assert row["n"] == sum(scores.values())
        assert row["total"] == sum(score * amount for score, amount in scores.items())
        assert row["squares"] == sum(score**2 * amount for score, amount in scores.items())
        found[row["team_id"], row["skill"], row["source"], row["bucket"]] = (scores, people)
    return found


async def from_scratch(owner: asyncpg.Connection, tenant_id: UUID) -> dict[Cell, Counts]:
    found: dict[Cell, Counts] = {}
    for row in await owner.fetch(FROM_SCRATCH, tenant_id):
        cell = (row["team_id"], row["skill"], row["source"], row["bucket"])
        scores, people = found.setdefault(cell, ({}, {}))
        score, amount = row["score"], row["amount"]
        scores[score] = scores.get(score, 0) + amount
        n, total = people.get(row["person_id"], (0, 0))
        people[row["person_id"]] = (n + amount, total + score * amount)
    return found


@pytest.mark.parametrize(
    "size",
    [
        Size(scorings=2_500, skills=4, kills=2),
        pytest.param(Size(scorings=46_000, skills=4, kills=6), marks=pytest.mark.slow),
    ],
    ids=["small", "100,000 events"],
)
@pytest.mark.timeout(600)
async def test_whatever_happens_the_rollups_are_what_sql_counts(
    size: Size,
    owner: asyncpg.Connection,
    process: ReportingProcess,
    nats: Client,
    database: Database,
) -> None:
    chaos = Chaos(size, owner, process, nats)
    await chaos.seed()
    await chaos.run()

    expected = await from_scratch(owner, chaos.tenant_id)
    assert len(expected) > 100
    assert await stored(owner, chaos.tenant_id) == expected
    assert await verify(database, chaos.tenant_id) == []
    if size.scorings > 10_000:
        assert await chaos.head() >= 100_000
