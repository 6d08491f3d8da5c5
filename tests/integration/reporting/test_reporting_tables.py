"""Teams beside each other and what stands out, from stored rollups."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.reporting.desk import Desk
from services.reporting.folding import fold_page
from services.reporting.lag import LATE_AFTER_S, LagWatch
from services.reporting.views.freshness import freshness
from services.reporting.views.strengths import learner_strengths, team_strengths
from services.reporting.views.tables import heatmap, uniformity
from shared.clock import FixedClock
from shared.contracts.reports.tables import (
    FreshnessQuery,
    HeatmapQuery,
    LearnerStrengthsQuery,
    TeamStrengthsQuery,
    UniformityQuery,
)
from shared.db.pool import Database
from tests.integration.reporting.reporting_team import Team, a_team, everybody_scores
from tests.integration.reporting.reporting_world import NOW, World

TODAY = datetime(2026, 11, 4, 12, tzinfo=UTC)
AT = datetime(2026, 10, 7, 12, tzinfo=UTC)
START, END = date(2026, 10, 5), date(2026, 10, 25)


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database, FixedClock(TODAY))


async def scored(world: World, team: Team, skills: dict[str, int], weeks: int = 3) -> None:
    """Six people around a level each, over some weeks."""
    for week in range(weeks):
        at = AT + timedelta(weeks=week)
        people = {
            skill: [mean + spread for spread in (-5, -3, -1, 1, 3, 5)]
            for skill, mean in skills.items()
        }
        await everybody_scores(world, team, at, people)


async def test_a_heatmap_holds_every_team_the_caller_may_see(desk: Desk, world: World):
    one = await a_team(world)
    two = await a_team(world, tenant_id=one.tenant_id)
    few = await a_team(world, people=3, tenant_id=one.tenant_id)
    await scored(world, one, {"relate.empathy": 80, "solve.path": 50})
    await scored(world, two, {"relate.empathy": 60})
    await everybody_scores(world, few, AT, {"relate.empathy": (10, 10, 10)})
    await fold_page(desk.database, one.tenant_id)
    query = HeatmapQuery(tenant_id=one.tenant_id, team_ids=None, start=START, end=END)

    reply = await heatmap(desk, query)

    found = {(c.team_id, c.skill): (c.n, c.learners, c.mean, c.difference) for c in reply.cells}
    assert found == {
        (one.team_id, "relate.empathy"): (18, 6, 80.0, 10.0),
        (one.team_id, "solve.path"): (18, 6, 50.0, 0.0),
        (two.team_id, "relate.empathy"): (18, 6, 60.0, -10.0),
    }
    assert [(c.team_id, c.skill, c.reason) for c in reply.suppressed] == [
        (few.team_id, "relate.empathy", "too_few_people")
    ]
    assert reply.headline.startswith("Over 2 teams, Empathy is highest (70 of 100)")
    bound = HeatmapQuery(
        tenant_id=one.tenant_id, team_ids=(two.team_id,), start=START, end=END, level="root"
    )
    roots = await heatmap(desk, bound)
    assert [(c.team_id, c.skill, c.mean) for c in roots.cells] == [(two.team_id, "relate", 60.0)]


async def test_teams_that_differ_are_told_from_teams_that_are_alike(desk: Desk, world: World):
    levels = ({"relate.empathy": 80, "solve.path": 60},) + (
        {"relate.empathy": 50, "solve.path": 60},
    ) * 3
    first = await a_team(world)
    teams = [first, *[await a_team(world, tenant_id=first.tenant_id) for _ in range(3)]]
    for team, skills in zip(teams, levels, strict=True):
        await scored(world, team, skills)
    await fold_page(desk.database, first.tenant_id)
    query = UniformityQuery(
        tenant_id=first.tenant_id, team_ids=None, start=START, end=END, level="skill"
    )

    reply = await uniformity(desk, query)

    found = {each.skill: each for each in reply.skills}
    assert {name: each.verdict for name, each in found.items()} == {
        "relate.empathy": "different",
        "solve.path": "alike",
    }
    apart = found["relate.empathy"]
    assert first.team_id in {team.team_id for team in apart.teams if team.is_outlier}
    assert not any(team.is_outlier for team in found["solve.path"].teams)
    assert all(team.low < team.mean < team.high for team in apart.teams)
    assert apart.between_sd > 10
    assert "Empathy" in reply.headline
    one = await uniformity(
        desk,
        UniformityQuery(
            tenant_id=first.tenant_id,
            team_ids=(first.team_id,),
            start=START,
            end=END,
            skill="relate",
        ),
    )
    assert one.skills == ()
    assert one.headline == "No two teams have enough people to be compared."


async def test_what_a_team_is_good_at(desk: Desk, world: World):
    team = await a_team(world)
    skills = {"relate.empathy": 85, "solve.path": 60, "relate.patience": 35}
    await scored(world, team, skills)
    await fold_page(desk.database, team.tenant_id)
    query = TeamStrengthsQuery(
        tenant_id=team.tenant_id, team_id=team.team_id, start=START, end=END, has_evidence=True
    )

    reply = await team_strengths(desk, query)

    assert [each.skill for each in reply.strengths] == ["relate.empathy"]
    assert [each.skill for each in reply.areas] == ["relate.patience"]
    assert reply.mean == 60.0
    assert "85 of 100, 25 points above" in reply.strengths[0].sentence
    stored = await world.connection.fetch(
        "select assessment_id from report.attempts where tenant_id = $1", team.tenant_id
    )
    shown = [one.assessment_id for one in reply.areas[0].evidence]
    assert len(set(shown)) == 3
    assert set(shown) <= {row["assessment_id"] for row in stored}
    without = TeamStrengthsQuery(
        tenant_id=team.tenant_id, team_id=team.team_id, start=START, end=END
    )
    assert (await team_strengths(desk, without)).areas[0].evidence == ()


async def test_what_a_learner_is_good_at(desk: Desk, world: World):
    team = await a_team(world, people=1)
    for day, empathy, path in ((0, 90, 40), (1, 92, 42), (2, 94, 38)):
        skills = {"relate.empathy": empathy, "solve.path": path}
        at = AT + timedelta(days=day)
        await world.scoring(team.tenant_id, team.learner_ids[0], at, skills)
    await world.scoring(team.tenant_id, team.learner_ids[0], AT, {"relate.patience": 10})
    await fold_page(desk.database, team.tenant_id)
    query = LearnerStrengthsQuery(
        tenant_id=team.tenant_id,
        learner_id=team.learner_ids[0],
        start=START,
        end=END,
        has_evidence=True,
    )

    reply = await learner_strengths(desk, query)

    assert [(each.skill, each.mean) for each in reply.strengths] == [("relate.empathy", 92.0)]
    assert [(each.skill, each.mean) for each in reply.areas] == [("solve.path", 40.0)]
    assert len(reply.areas[0].evidence) == 3
    assert reply.too_little == ("relate.patience",)
    assert reply.headline == "Strongest in Empathy; most to gain in Finding a path."
    nobody = LearnerStrengthsQuery(
        tenant_id=team.tenant_id, learner_id=team.team_id, start=START, end=END
    )
    assert (await learner_strengths(desk, nobody)).mean is None


async def test_freshness_and_its_watch(desk: Desk, world: World):
    team = await a_team(world, people=1)
    await world.scoring(team.tenant_id, team.learner_ids[0], AT, {"relate.empathy": 1})
    query = FreshnessQuery(tenant_id=team.tenant_id)

    late = await freshness(desk, query)
    watch = LagWatch(desk.database, desk.clock)
    await watch.look()

    assert late.is_late
    assert late.lag_s == (TODAY - NOW).total_seconds() > LATE_AFTER_S
    assert watch.seen()["tenants_behind"] >= 1
    assert watch.seen()["lag_s"] >= late.lag_s
    await fold_page(desk.database, team.tenant_id)
    fresh = await freshness(desk, query)
    assert (fresh.is_late, fresh.lag_s, fresh.as_of.behind) == (False, 0.0, 0)
