"""What is left out of trends is counted nowhere: not when folded, not when verified or rebuilt."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from services.reporting.folding import fold_page
from services.reporting.rebuild import rebuild, verify
from shared.db.pool import Database
from tests.integration.reporting.reporting_world import World

AT = datetime(2026, 9, 30, 12, tzinfo=UTC)
BUCKET = date(2026, 9, 28)


@pytest.fixture
async def people(world: World) -> tuple[UUID, UUID, UUID]:
    """A tenant, a team, and a learner in it."""
    tenant_id = await world.tenant()
    team_id = await world.team(tenant_id)
    learner_id = await world.learner(tenant_id)
    await world.member(tenant_id, learner_id, team_id)
    return tenant_id, team_id, learner_id


async def exclude(world: World, tenant_id: UUID, scoring_id: UUID, reason: str | None) -> None:
    await world.connection.execute(
        "update scorings set excluded = $3 where tenant_id = $1 and scoring_id = $2",
        tenant_id,
        scoring_id,
        reason,
    )


@pytest.mark.parametrize("reason", ["simulator_fault", "batch"])
async def test_an_excluded_scoring_is_not_counted(
    database: Database, world: World, people: tuple[UUID, UUID, UUID], reason: str
) -> None:
    tenant_id, team_id, learner_id = people
    await world.scoring(tenant_id, learner_id, AT, {"empathy": 40}, source="simulation")
    faulty = await world.scoring(tenant_id, learner_id, AT, {"empathy": 90}, source="simulation")
    await exclude(world, tenant_id, faulty, reason)
    await fold_page(database, tenant_id)
    counted = {(team_id, "empathy", "simulation", BUCKET): (1, [40])}
    assert await world.rollups(tenant_id) == counted
    assert [row[-1] for row in await world.facts(tenant_id)] == [40]
    assert await verify(database, tenant_id) == []
    assert await rebuild(database, tenant_id) == 0
    assert await world.rollups(tenant_id) == counted


async def test_a_revision_of_an_excluded_scoring_is_not_counted_either(
    database: Database, world: World, people: tuple[UUID, UUID, UUID]
) -> None:
    tenant_id, _, learner_id = people
    faulty = await world.scoring(tenant_id, learner_id, AT, {"empathy": 90})
    await exclude(world, tenant_id, faulty, "simulator_fault")
    await world.revision(tenant_id, faulty, learner_id, 2, {"empathy": 95})
    await fold_page(database, tenant_id)
    assert await world.rollups(tenant_id) == {}
    assert await world.facts(tenant_id) == []
    assert await verify(database, tenant_id) == []


async def test_leaving_out_one_that_was_counted_and_counting_it_again(
    database: Database, world: World, people: tuple[UUID, UUID, UUID]
) -> None:
    """No event says so: the change itself leaves a mark."""
    tenant_id, team_id, learner_id = people
    scoring_id = await world.scoring(tenant_id, learner_id, AT, {"empathy": 90})
    await world.scoring(tenant_id, learner_id, AT, {"empathy": 40})
    await fold_page(database, tenant_id)
    await exclude(world, tenant_id, scoring_id, "simulator_fault")
    assert await verify(database, tenant_id) == []  # only late
    await fold_page(database, tenant_id)
    assert await world.rollups(tenant_id) == {(team_id, "empathy", "call", BUCKET): (1, [40])}
    assert await verify(database, tenant_id) == []
    await exclude(world, tenant_id, scoring_id, None)
    await fold_page(database, tenant_id)
    assert await world.rollups(tenant_id) == {(team_id, "empathy", "call", BUCKET): (2, [40, 90])}
    assert await world.marks(tenant_id) == []


async def test_a_lost_mark_is_a_difference_that_rebuild_mends(
    database: Database, world: World, people: tuple[UUID, UUID, UUID]
) -> None:
    tenant_id, team_id, learner_id = people
    scoring_id = await world.scoring(tenant_id, learner_id, AT, {"empathy": 90})
    await world.scoring(tenant_id, learner_id, AT, {"empathy": 40})
    await fold_page(database, tenant_id)
    await exclude(world, tenant_id, scoring_id, "batch")
    await world.connection.execute("delete from report_marks where tenant_id = $1", tenant_id)
    assert {found.table for found in await verify(database, tenant_id)} == {"attempts", "facts"}
    await rebuild(database, tenant_id)
    assert await world.rollups(tenant_id) == {(team_id, "empathy", "call", BUCKET): (1, [40])}
    assert await verify(database, tenant_id) == []
