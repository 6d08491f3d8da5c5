"""Trends from stored rollups: whose scores count where, what is hidden, how fresh it is."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.reporting.cache import AnswerCache
from services.reporting.desk import Desk
from services.reporting.folding import fold_page
from services.reporting.lag import LagWatch
from services.reporting.views.trend import team_trend
from shared.clock import FixedClock
from shared.db.pool import Database
from tests.integration.reporting.reporting_team import (
    MONDAY,
    WEDNESDAY,
    Team,
    a_team,
    everybody_scores,
)
from tests.integration.reporting.reporting_world import World

TODAY = datetime(2026, 11, 4, 12, tzinfo=UTC)
SIX = (50, 52, 54, 56, 58, 60)


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database, FixedClock(TODAY))


@pytest.fixture
async def team(world: World) -> Team:
    return await a_team(world)


async def test_a_point_has_all_its_numbers(desk: Desk, world: World, team: Team):
    await everybody_scores(world, team, WEDNESDAY, {"relate.empathy": SIX})
    await fold_page(desk.database, team.tenant_id)

    reply = await team_trend(desk, team.query(view="full"))

    (point,) = reply.points
    assert (point.skill, point.week, point.n, point.learners) == ("relate.empathy", MONDAY, 6, 6)
    assert (point.start, point.through) == (MONDAY, date(2026, 9, 30))
    assert (point.mean, point.q1, point.median, point.q3) == (55.0, 52.5, 55.0, 57.5)
    assert point.low is not None
    assert point.high is not None
    assert 50 <= point.low < 55 < point.high <= 60
    (cell,) = reply.cells
    assert (cell.verdict, cell.reason) == ("too_little_data", "too_few_people")
    assert cell.sentence
    assert reply.headline == "1 skill has too little data."
    assert reply.as_of is not None
    assert reply.as_of.behind == 0
    assert reply.as_of.at == TODAY


async def test_fewer_than_five_people_are_hidden_and_said_to_be(
    desk: Desk, world: World, team: Team
):
    await everybody_scores(world, team, WEDNESDAY, {"relate.empathy": SIX[:4]})
    await fold_page(desk.database, team.tenant_id)

    reply = await team_trend(desk, team.query(view="full"))

    assert reply.points == ()
    assert [(gap.skill, gap.reason) for gap in reply.suppressed] == [
        ("relate.empathy", "too_few_people")
    ]
    assert (reply.cells[0].n, reply.cells[0].mean) == (0, None)
    assert reply.headline is not None
    assert "at least 5" in reply.headline


async def test_a_tenant_may_ask_for_more_people(desk: Desk, world: World, team: Team):
    await everybody_scores(world, team, WEDNESDAY, {"relate.empathy": SIX})
    await fold_page(desk.database, team.tenant_id)
    await world.connection.execute(
        "insert into report.settings values ($1, 1, 7, false, false, 1, 6, $2)",
        team.tenant_id,
        TODAY,
    )

    reply = await team_trend(desk, team.query())

    assert reply.points == ()
    assert reply.min_people == 7


async def test_the_present_week_has_amounts_and_no_scores(desk: Desk, world: World, team: Team):
    await everybody_scores(world, team, TODAY, {"relate.empathy": SIX})
    await fold_page(desk.database, team.tenant_id)

    reply = await team_trend(desk, team.query(TODAY.date(), TODAY.date()))

    assert reply.points == ()
    assert [(gap.week, gap.reason) for gap in reply.suppressed] == [(date(2026, 11, 2), "not_over")]
    assert [(each.skill, each.n, each.learners) for each in reply.running] == [
        ("relate.empathy", 6, 6)
    ]


async def test_roots_months_and_hidden_skills(desk: Desk, world: World, team: Team):
    skills = {"relate.empathy": SIX, "relate.patience": (40,) * 6, "solve.path": (10,) * 6}
    await everybody_scores(world, team, WEDNESDAY, skills)
    await everybody_scores(world, team, WEDNESDAY - timedelta(days=14), skills)
    await fold_page(desk.database, team.tenant_id)

    roots = await team_trend(desk, team.query(level="root"))
    assert [(p.skill, p.n, p.learners, p.mean) for p in roots.points] == [
        ("relate", 12, 6, 47.5),
        ("solve", 6, 6, 10.0),
    ]
    one = await team_trend(desk, team.query(level="root", skill="solve"))
    assert [point.skill for point in one.points] == ["solve"]
    month = await team_trend(desk, team.query(unit="month", skill="solve.path"))
    assert [(p.week, p.through, p.n) for p in month.points] == [
        (date(2026, 9, 1), date(2026, 9, 30), 12)
    ]
    await world.connection.execute(
        "insert into tenant_skills (tenant_id, key, is_own, hidden, updated_at)"
        " values ($1, 'solve.path', false, true, $2)",
        team.tenant_id,
        TODAY,
    )
    shown = await team_trend(desk, team.query())
    assert [point.skill for point in shown.points] == ["relate.empathy", "relate.patience"]


async def test_sources_and_whole_weeks(desk: Desk, world: World, team: Team):
    for days, source, score in [
        (-1, "call", 10), (-2, "chat", 20), (-1, "email", 40), (-2, "simulation", 90),
        (-3, "call", 1), (5, "call", 2),
    ]:  # fmt: skip
        at = WEDNESDAY + timedelta(days=days)
        await everybody_scores(world, team, at, {"relate.empathy": (score,) * 6}, source)
    await fold_page(desk.database, team.tenant_id)

    day = team.query(date(2026, 9, 30), date(2026, 9, 30), source="call")
    (point,) = (await team_trend(desk, day)).points
    assert (point.n, point.mean, point.q1, point.median, point.q3) == (18, 23.3, 10, 20, 40)
    practice = await team_trend(desk, team.query(source="simulation"))
    assert [point.mean for point in practice.points] == [90.0]
    everything = await team_trend(desk, team.query(date(2026, 9, 27), date(2026, 10, 5)))
    assert [(point.week, point.n) for point in everything.points] == [
        (date(2026, 9, 21), 6),
        (MONDAY, 24),
        (date(2026, 10, 5), 6),
    ]


async def test_a_new_version_of_a_rubric_is_a_break(desk: Desk, world: World, team: Team):
    rubric_id = team.team_id
    for days in range(0, 70, 7):
        at = datetime(2026, 8, 5, 12, tzinfo=UTC) + timedelta(days=days)
        await everybody_scores(world, team, at, {"relate.empathy": SIX})
    await fold_page(desk.database, team.tenant_id)
    await world.connection.execute(
        "update report.attempts set rubric_id = $2, engine = 'embedded 1',"
        " rubric_version = case when day < '2026-09-09' then 1 else 2 end where tenant_id = $1",
        team.tenant_id,
        rubric_id,
    )

    query = team.query(date(2026, 8, 3), date(2026, 10, 11), view="full")
    reply = await team_trend(desk, query)

    assert [(each.kind, each.day, each.rubric_version) for each in reply.breaks] == [
        ("rubric", date(2026, 9, 9), 2)
    ]
    assert reply.cells[0].segments == 2
    after = await team_trend(desk, team.query(date(2026, 9, 14), date(2026, 10, 11), view="full"))
    assert after.breaks == ()


async def test_another_tenant_sees_nothing(desk: Desk, world: World, team: Team):
    await everybody_scores(world, team, WEDNESDAY, {"relate.empathy": SIX})
    await fold_page(desk.database, team.tenant_id)
    stranger = await world.tenant()
    assert len((await team_trend(desk, team.query())).points) == 1
    reply = await team_trend(desk, team.query(tenant_id=stranger))
    assert (reply.points, reply.suppressed) == ((), ())


async def test_what_is_not_counted_yet_shows_as_lag(desk: Desk, world: World, team: Team):
    await everybody_scores(world, team, WEDNESDAY, {"relate.empathy": SIX})
    before = (await team_trend(desk, team.query())).as_of
    await fold_page(desk.database, team.tenant_id)
    after = (await team_trend(desk, team.query())).as_of

    assert before is not None
    assert after is not None
    assert before.behind >= 6
    assert before.at < TODAY  # the events say that they were committed earlier
    assert (after.behind, after.at) == (0, TODAY)
    assert after.position == before.position + 6


async def test_a_change_that_is_not_counted_yet_shows_as_lag(desk: Desk, world: World, team: Team):
    await everybody_scores(world, team, WEDNESDAY, {"relate.empathy": SIX})
    await fold_page(desk.database, team.tenant_id)
    moved_at = TODAY - timedelta(minutes=3)
    await world.connection.execute(
        "insert into report_marks (tenant_id, kind, subject, marked_at)"
        " values ($1, 'learner', $2, $3)",
        team.tenant_id,
        team.learner_ids[0],
        moved_at,
    )
    before = (await team_trend(desk, team.query())).as_of
    watch = LagWatch(desk.database, desk.clock)
    await watch.look()
    await fold_page(desk.database, team.tenant_id)
    after = (await team_trend(desk, team.query())).as_of

    assert before is not None
    assert after is not None
    assert (before.behind, before.at) == (1, moved_at)
    assert watch.seen()["lag_s"] >= 180
    assert watch.seen()["behind"] >= 1
    assert (after.behind, after.at, after.position) == (0, TODAY, before.position)


async def test_an_event_without_a_place_shows_as_lag(desk: Desk, world: World, team: Team):
    await world.connection.execute(
        "insert into events (tenant_id, event_id, type, resource_id, sequence, data, occurred_at)"
        " values ($1, $2, 'simulation.started', $2, 1, '{}', $3)",
        team.tenant_id,
        team.team_id,
        TODAY - timedelta(hours=30),
    )
    watch = LagWatch(desk.database, desk.clock)
    await watch.look()
    await world.connection.execute("delete from events where event_id = $1", team.team_id)

    assert watch.seen()["lag_s"] >= timedelta(hours=30).total_seconds()


async def test_a_kept_answer_goes_with_a_change_that_has_no_event(
    database: Database, world: World, team: Team
):
    desk = Desk(database, FixedClock(TODAY), AnswerCache(lambda: 0.0))
    await everybody_scores(world, team, WEDNESDAY, {"relate.empathy": SIX})
    await fold_page(database, team.tenant_id)
    before = await team_trend(desk, team.query())
    await world.connection.execute(
        "update scorings set excluded = 'simulator_fault' where tenant_id = $1 and learner_id = $2",
        team.tenant_id,
        team.learner_ids[5],
    )
    await fold_page(database, team.tenant_id)
    after = await team_trend(desk, team.query())

    assert [point.n for point in before.points] == [6]
    assert [(point.n, point.mean) for point in after.points] == [(5, 54.0)]
    assert before.as_of is not None
    assert after.as_of is not None
    assert after.as_of.position == before.as_of.position


async def test_kept_answers_hold_until_something_is_counted(
    database: Database, world: World, team: Team
):
    cache = AnswerCache(lambda: 0.0)
    desk = Desk(database, FixedClock(TODAY), cache)
    await everybody_scores(world, team, WEDNESDAY, {"relate.empathy": SIX})
    await fold_page(database, team.tenant_id)
    first = await team_trend(desk, team.query())
    size = cache.size_bytes
    # Written past the service: its versions do not move, so the kept answer stays.
    await world.connection.execute(
        "update rollups set total = total - 60 where tenant_id = $1", team.tenant_id
    )

    assert await team_trend(desk, team.query()) == first
    assert cache.size_bytes == size
    await world.event(team.tenant_id, team.team_id)  # of something that no report counts
    await fold_page(database, team.tenant_id)
    again = await team_trend(desk, team.query())
    assert again.points == first.points
    assert again.as_of != first.as_of
    await world.scoring(team.tenant_id, team.learner_ids[0], WEDNESDAY, {"relate.empathy": 100})
    await fold_page(database, team.tenant_id)
    assert [point.n for point in (await team_trend(desk, team.query())).points] == [7]
