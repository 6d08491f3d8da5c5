"""Months that are kept: made by who asks, gone when what they were made from changes."""

import asyncio
from datetime import UTC, date, datetime

import msgspec
import pytest

from services.reporting.desk import Desk
from services.reporting.folding import fold_page
from services.reporting.rebuild import rebuild
from services.reporting.repository import lock_position
from services.reporting.views.tables import heatmap
from shared.clock import FixedClock
from shared.contracts.reports.tables import HeatmapQuery, HeatmapReply
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from tests.integration.reporting.reporting_team import Team, a_team, everybody_scores
from tests.integration.reporting.reporting_world import World
from tests.support.waiting import eventually

NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)
SEPTEMBER = datetime(2026, 9, 9, 12, tzinfo=UTC)
OCTOBER = datetime(2026, 10, 7, 12, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 4, 12, tzinfo=UTC)
RANGE = {"start": date(2026, 8, 31), "end": date(2026, 11, 20)}


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database, FixedClock(NOW))


async def a_season(world: World, desk: Desk) -> Team:
    """A team of six that scored in three months; everything is folded."""
    team = await a_team(world)
    for at, score in ((SEPTEMBER, 40), (OCTOBER, 50), (NOVEMBER, 60)):
        await everybody_scores(world, team, at, {"relate.empathy": (score,) * 6})
    await fold_page(desk.database, team.tenant_id)
    return team


async def ask(desk: Desk, team: Team, **changes: object) -> HeatmapReply:
    """A table over the whole season."""
    body = {"tenant_id": team.tenant_id, "team_ids": None, "source": "all", **RANGE}
    return await heatmap(desk, msgspec.convert(body | changes, HeatmapQuery))


async def kept(world: World, team: Team) -> list[tuple[str, date]]:
    """What is stored of the tenant."""
    rows = await world.connection.fetch(
        "select level, month from report.months where tenant_id = $1 order by level, month",
        team.tenant_id,
    )
    return [tuple(row) for row in rows]


async def somebody_waits(world: World) -> bool:
    """Whether a transaction waits for another one."""
    return bool(
        await world.connection.fetchval("select exists (select from pg_locks where not granted)")
    )


async def test_months_that_are_over_are_kept_and_answer_alike(desk: Desk, world: World):
    team = await a_season(world, desk)

    first = await ask(desk, team)
    second = await ask(desk, team)

    assert [(c.n, c.learners, c.mean) for c in first.cells] == [(18, 6, 50.0)]
    assert first == second
    assert await kept(world, team) == [("skill", date(2026, 9, 1)), ("skill", date(2026, 10, 1))]
    root = await ask(desk, team, level="root", source="simulation")
    assert (root.cells, root.suppressed) == ((), ())
    assert len(await kept(world, team)) == 4


async def test_a_month_that_changes_is_made_anew(desk: Desk, world: World):
    team = await a_season(world, desk)
    await ask(desk, team)
    await everybody_scores(world, team, OCTOBER, {"relate.empathy": (90,) * 6})
    await fold_page(desk.database, team.tenant_id)
    assert await kept(world, team) == [("skill", date(2026, 9, 1))]

    reply = await ask(desk, team)

    assert [(c.n, c.mean) for c in reply.cells] == [(24, 60.0)]
    assert len(await kept(world, team)) == 2


async def test_people_that_leave_leave_the_kept_months(desk: Desk, world: World):
    team = await a_season(world, desk)
    assert len((await ask(desk, team)).cells) == 1
    await world.connection.execute(
        "delete from memberships where tenant_id = $1 and learner_id = any ($2)",
        team.tenant_id,
        team.learner_ids[:2],
    )
    await fold_page(desk.database, team.tenant_id)

    reply = await ask(desk, team)

    assert [(c.skill, c.reason) for c in reply.suppressed] == [("relate.empathy", "too_few_people")]
    assert reply.cells == ()


async def test_another_minimum_makes_them_anew(desk: Desk, world: World):
    team = await a_season(world, desk)
    await ask(desk, team)
    await world.connection.execute(
        "insert into report.settings values ($1, 1, 7, false, false, 1, 1, now())", team.tenant_id
    )
    assert (await ask(desk, team)).cells == ()
    await world.connection.execute(
        "delete from report.settings where tenant_id = $1", team.tenant_id
    )
    assert [c.n for c in (await ask(desk, team)).cells] == [18]
    assert len(await kept(world, team)) == 2


async def test_nothing_is_kept_of_rollups_that_change_meanwhile(desk: Desk, world: World):
    team = await a_season(world, desk)
    await everybody_scores(world, team, OCTOBER, {"relate.empathy": (90,) * 6})
    async with tenant_tx(desk.database, team.tenant_id) as fold:
        await lock_position(fold, team.tenant_id)
        await fold.execute(
            "update report.rollups set total = total where tenant_id = $1", team.tenant_id
        )
        waiting = asyncio.create_task(ask(desk, team))
        await eventually(lambda: somebody_waits(world))
        await fold.execute(
            "update report.rollup_versions set version = version + 1 where tenant_id = $1",
            team.tenant_id,
        )
    reply = await waiting

    assert [c.n for c in reply.cells] == [18]  # of before
    assert await kept(world, team) == []


async def test_a_rebuild_drops_what_is_kept(desk: Desk, world: World):
    team = await a_season(world, desk)
    await ask(desk, team)
    await world.connection.execute(
        "update report.months set groups = '[]', amounts = '' where tenant_id = $1", team.tenant_id
    )
    assert await rebuild(desk.database, team.tenant_id) == 0
    assert await kept(world, team) == []
    assert [c.n for c in (await ask(desk, team)).cells] == [18]
