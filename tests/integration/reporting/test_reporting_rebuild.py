"""Verify finds what is wrong and nothing else; rebuild puts it right."""

import random
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from services.reporting import rebuild as rebuilding
from services.reporting.folding import fold_page
from services.reporting.rebuild import rebuild, verify
from services.reporting.trends.facts import Cell, FactKey
from shared.db.pool import Database
from tests.integration.reporting.reporting_world import World

START = datetime(2026, 9, 1, 8, tzinfo=UTC)
SKILLS = ("empathy", "clarity", "patience")


@pytest.fixture
async def tenant_id(database: Database, world: World) -> UUID:
    """Two teams, four people (one moved), 40 scorings over 10 weeks, some revised; all folded."""
    rng = random.Random(1)
    tenant_id = await world.tenant("Europe/Berlin")
    teams = [await world.team(tenant_id) for _ in range(2)]
    people = [await world.learner(tenant_id) for _ in range(4)]
    for index, person in enumerate(people[:3]):
        await world.member(tenant_id, person, teams[index % 2])
    moved = date(2026, 10, 8)
    await world.member(tenant_id, people[3], teams[0], date(2026, 9, 5), moved)
    await world.member(tenant_id, people[3], teams[1], moved)
    for _ in range(40):
        person = rng.choice(people)
        at = START + timedelta(days=rng.randint(0, 70), hours=rng.randint(0, 23))
        source = rng.choice(("simulation", "call", "chat", "email"))
        scoring_id = await world.scoring(tenant_id, person, at, some_scores(rng), source)
        if rng.random() < 0.3:
            await fold_page(database, tenant_id, limit=5)
            await world.revision(tenant_id, scoring_id, person, 2, some_scores(rng))
    while (folded := await fold_page(database, tenant_id)) is not None and folded.has_more:
        pass
    return tenant_id


def some_scores(rng: random.Random) -> dict[str, int | None]:
    return {skill: rng.choice((None, rng.randint(0, 100))) for skill in SKILLS}


async def test_after_folding_there_is_no_difference(
    database: Database, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rebuilding, "PAGE_SCORINGS", 7)
    assert await verify(database, tenant_id) == []
    assert await rebuild(database, tenant_id) == 0


async def test_a_waiting_event_is_no_difference(database: Database, world: World, tenant_id: UUID):
    person = await world.learner(tenant_id)
    await world.member(tenant_id, person, await world.team(tenant_id))
    scoring_id = await world.scoring(tenant_id, person, START, {"empathy": 5})
    assert await verify(database, tenant_id) == []
    await fold_page(database, tenant_id)
    await world.revision(tenant_id, scoring_id, person, 2, {"empathy": 6}, place=False)
    assert await verify(database, tenant_id) == []


async def test_rebuild_ahead_of_the_events_counts_them_once(
    database: Database, world: World, tenant_id: UUID
):
    person = await world.learner(tenant_id)
    await world.member(tenant_id, person, await world.team(tenant_id))
    await world.scoring(tenant_id, person, START, {"empathy": 5})
    assert await rebuild(database, tenant_id) == 3  # an attempt, a fact, a rollup
    expected = await world.rollups(tenant_id)
    await fold_page(database, tenant_id)
    assert await world.rollups(tenant_id) == expected
    assert await verify(database, tenant_id) == []


@pytest.mark.parametrize(
    "damage",
    [
        "update rollups set histogram = set_byte(histogram, 32, get_byte(histogram, 32) + 1)",
        # another person, another number of scores of a person, a person too many
        "update rollups set people = set_byte(people, 15, get_byte(people, 15) # 1)",
        "update rollups set people = set_byte(people, 16, get_byte(people, 16) + 1)",
        "update rollups set people = people || decode(repeat('ff', 24), 'hex')",
        "update rollups set squares = squares + 1",
        "update rollups set n = n + 1",
        "update rollups set total = total - 1",
        "delete from rollups",
        "update rollups set bucket = '2020-01-06'",
        "update rollups set team_id = '00000000-0000-0000-0000-000000000001'",
    ],
)
async def test_a_broken_rollup_is_found_and_put_right(
    database: Database, world: World, tenant_id: UUID, damage: str
):
    right = await world.rollups(tenant_id)
    row = await world.connection.fetchrow(
        "select team_id, skill, source, bucket from rollups where tenant_id = $1"
        " order by bucket, skill, source, team_id limit 1",
        tenant_id,
    )
    assert row is not None
    cell = Cell(*row)
    await world.connection.execute(
        f"{damage} where (tenant_id, team_id, skill, source, bucket) = ($1, $2, $3, $4, $5)",
        tenant_id,
        *cell,
    )
    found = await verify(database, tenant_id)
    expected = {cell}
    if "2020" in damage:
        expected |= {cell._replace(bucket=date(2020, 1, 6))}
    if "team_id" in damage:
        expected |= {cell._replace(team_id=UUID(int=1))}
    assert {difference.row for difference in found} == expected
    assert {difference.table for difference in found} == {"rollups"}
    assert await rebuild(database, tenant_id) == len(found)
    assert await world.rollups(tenant_id) == right
    assert await verify(database, tenant_id) == []


@pytest.mark.parametrize(
    "damage",
    [
        "update facts set score = (score + 1) % 101",
        "update facts set team_id = null",
        "update facts set day = day - 40",
        "delete from facts",
    ],
)
async def test_a_broken_fact_is_found_and_put_right(
    database: Database, world: World, tenant_id: UUID, damage: str
):
    facts, rollups = await world.facts(tenant_id), await world.rollups(tenant_id)
    row = await world.connection.fetchrow(
        "select scoring_id, skill from facts where tenant_id = $1 and team_id is not null"
        " order by scoring_id, skill limit 1",
        tenant_id,
    )
    assert row is not None
    key = FactKey(*row)
    await world.connection.execute(
        f"{damage} where (tenant_id, scoring_id, skill) = ($1, $2, $3)", tenant_id, *key
    )
    found = await verify(database, tenant_id)
    assert [difference.row for difference in found if difference.table == "facts"] == [key]
    await rebuild(database, tenant_id)
    assert await world.facts(tenant_id) == facts
    assert await world.rollups(tenant_id) == rollups
    assert await verify(database, tenant_id) == []


@pytest.mark.parametrize(
    "damage",
    [
        "update attempts set overall = 1",
        "update attempts set team_id = null",
        "update attempts set person_id = '00000000-0000-0000-0000-000000000001'",
        "update attempts set day = day - 40",
        "update attempts set engine = 'another'",
        "update attempts set revision = revision + 1",
        "delete from attempts",
    ],
)
async def test_a_broken_attempt_is_found_and_put_right(
    database: Database, world: World, tenant_id: UUID, damage: str
):
    attempts = await world.attempts(tenant_id)
    rollups = await world.rollups(tenant_id)
    scoring_id = await world.connection.fetchval(
        "select scoring_id from attempts where tenant_id = $1 and team_id is not null"
        " order by scoring_id limit 1",
        tenant_id,
    )
    await world.connection.execute(
        f"{damage} where (tenant_id, scoring_id) = ($1, $2)", tenant_id, scoring_id
    )
    found = await verify(database, tenant_id)
    assert [(difference.table, difference.row) for difference in found] == [
        ("attempts", scoring_id)
    ]
    assert await rebuild(database, tenant_id) == 1
    assert await world.attempts(tenant_id) == attempts
    assert await world.rollups(tenant_id) == rollups
    assert await verify(database, tenant_id) == []


async def test_an_attempt_of_nothing_is_found(database: Database, world: World, tenant_id: UUID):
    nothing = UUID(int=2**128 - 1)
    await world.connection.execute(
        "insert into attempts select tenant_id, $2, assessment_id, revision, person_id, team_id,"
        " source, day, rubric_id, rubric_version, engine from attempts where tenant_id = $1 limit 1",
        tenant_id,
        nothing,
    )
    (difference,) = await verify(database, tenant_id)
    assert (difference.table, difference.row, difference.expected) == ("attempts", nothing, None)
    await rebuild(database, tenant_id)
    assert await verify(database, tenant_id) == []


async def test_facts_of_nothing_are_found(database: Database, world: World, tenant_id: UUID):
    await world.connection.execute(
        "insert into facts select tenant_id, $2, skill, revision, team_id, person_id, source, day,"
        " score from facts where tenant_id = $1 limit 1",
        tenant_id,
        UUID(int=2**128 - 1),
    )
    (difference, *_) = await verify(database, tenant_id)
    assert (difference.table, difference.expected) == ("facts", None)
    await rebuild(database, tenant_id)
    assert await verify(database, tenant_id) == []
