"""What to practice next, answered from counted attempts in Postgres."""

from datetime import date, timedelta
from uuid import UUID

import pytest

from services.reporting.cache import AnswerCache
from services.reporting.desk import Desk
from services.reporting.practice.advice import next_practice, team_exercise
from shared.clock import FixedClock
from shared.contracts.reports.practice import NextPracticeQuery, TeamExerciseQuery
from shared.db.pool import Database
from tests.integration.reporting.practice_world import NOW, TODAY, Practice
from tests.integration.reporting.reporting_world import World
from tests.support.tenants import TenantFactory

DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
MONDAY = date(2026, 9, 28)
EMPATHY, CLARITY = "relate.empathy", "communicate.clarity"


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database, FixedClock(NOW))


@pytest.fixture
async def practice(world: World, tenants: TenantFactory) -> Practice:
    return Practice(world, (await tenants.new()).tenant_id)


@pytest.fixture
async def team(practice: Practice) -> UUID:
    return await practice.world.team(practice.tenant_id)


class TestNextPractice:
    async def test_a_learner_s_weak_skill(self, desk: Desk, practice: Practice, team: UUID):
        (learner,) = await practice.people(1, team)
        played = await practice.scenario("support-angry-late-delivery")
        for number in range(4):
            await practice.attempt(
                learner,
                TODAY - number * DAY,
                {EMPATHY: 40, CLARITY: 90},
                scenario_id=played,
                overall=60,
            )
        query = NextPracticeQuery(
            tenant_id=practice.tenant_id, learner_id=learner, today=TODAY, amount=3
        )
        answer = await next_practice(desk, query)

        (first,) = answer.suggestions
        assert (first.why, first.skill, first.score, first.n) == ("improve", EMPATHY, 40, 4)
        assert first.scenario.slug != "support-angry-late-delivery"  # played today
        assert first.scenario.role == "support"  # what they do
        assert abs(first.expected - first.scenario.pass_mark) < 15
        assert answer.headline == first.reason
        assert first.reason.startswith("Empathy is at 40.0 from 4 scores, below 75. ")
        assert first.is_rested
        assert await next_practice(desk, query) == answer

    async def test_what_is_kept_about_scenarios_follows_the_attempts(
        self, desk: Desk, practice: Practice, team: UUID
    ):
        """Also when no event has moved the position: somebody changed teams, or all is recounted."""
        desk = desk._replace(answers=AnswerCache(lambda: 0.0))
        people = await practice.people(5, team)
        scenario = await practice.scenario("support-angry-late-delivery")
        query = NextPracticeQuery(
            tenant_id=practice.tenant_id, learner_id=people[0], today=TODAY, amount=1
        )
        before = await next_practice(desk, query)
        for learner in people:
            await practice.attempt(learner, MONDAY - WEEK, {}, scenario_id=scenario, overall=30)
        kept = await next_practice(desk, query)
        await practice.world.connection.execute(
            "insert into rollup_versions (tenant_id, version) values ($1, 1)", practice.tenant_id
        )
        after = await next_practice(desk, query)

        assert before.level == 60
        assert after.as_of.position == kept.as_of.position
        assert after.level < kept.level < before.level

    async def test_somebody_new(self, desk: Desk, practice: Practice, team: UUID):
        (learner,) = await practice.people(1, team)
        query = NextPracticeQuery(
            tenant_id=practice.tenant_id, learner_id=learner, today=TODAY, amount=3
        )
        answer = await next_practice(desk, query)

        assert answer.suggestions == ()
        assert answer.headline == "Nothing has been scored yet: start with any scenario."

    async def test_a_team_s_exercise(self, desk: Desk, practice: Practice, team: UUID):
        for learner in await practice.people(5, team):
            for number in range(3):
                await practice.attempt(
                    learner, MONDAY - DAY - number * DAY, {EMPATHY: 45, CLARITY: 90}, team_id=team
                )
        query = TeamExerciseQuery(tenant_id=practice.tenant_id, team_id=team, today=TODAY)
        answer = await team_exercise(desk, query)

        found = answer.exercise
        assert found is not None
        assert (found.skill, found.people, found.mean) == (EMPATHY, 5, 45)
        assert [each.role for each in found.roles] == ["agent", "customer", "observers"]
        assert found.watch.look_for
        assert found.watch.criteria
        assert found.minutes >= 30
        assert answer.headline == found.reason

    async def test_a_small_team_has_none(self, desk: Desk, practice: Practice, team: UUID):
        for learner in await practice.people(4, team):
            for number in range(3):
                await practice.attempt(
                    learner, MONDAY - DAY - number * DAY, {EMPATHY: 45}, team_id=team
                )
        query = TeamExerciseQuery(tenant_id=practice.tenant_id, team_id=team, today=TODAY)
        answer = await team_exercise(desk, query)

        assert answer.exercise is None
        assert answer.headline == "No skill has been seen often enough in at least 5 people."
