"""Questions about practice, answered from counted attempts in Postgres."""

import asyncio
from datetime import date, timedelta
from uuid import UUID

import pytest

from services.reporting.desk import Desk, QuestionError
from services.reporting.practice.goals import goal_progress
from services.reporting.practice.proficiency import learner_proficiency, team_proficiency
from services.reporting.practice.ranking import team_ranking
from services.reporting.practice.scenarios import scenario_figures
from services.reporting.practice.volume import learner_practice, team_practice
from shared.clock import FixedClock
from shared.contracts.reports.practice import (
    GoalProgressQuery,
    LearnerPracticeQuery,
    LearnerProficiency,
    LearnerProficiencyQuery,
    PracticeSource,
    RankingQuery,
    ScenarioQualityQuery,
    TeamPractice,
    TeamPracticeQuery,
    TeamProficiency,
    TeamQuestion,
)
from shared.db.pool import Database
from shared.ids import format_id
from tests.integration.reporting.practice_world import NOW, TODAY, Practice, ids
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


class TestLearnerProficiency:
    async def _ask(
        self, desk: Desk, practice: Practice, learner: UUID, source: PracticeSource = "all"
    ) -> LearnerProficiency:
        query = LearnerProficiencyQuery(
            tenant_id=practice.tenant_id, learner_id=learner, today=TODAY, source=source
        )
        return await learner_proficiency(desk, query)

    async def test_the_formula(self, desk: Desk, practice: Practice, team: UUID):
        learner, other = await practice.people(2, team)
        for age, score in ((0, 90), (30, 60), (60, 30), (365, 0)):
            await practice.attempt(learner, TODAY - age * DAY, {EMPATHY: score, CLARITY: 50})
        await practice.attempt(learner, TODAY + DAY, {EMPATHY: 0})  # of tomorrow: not counted
        await practice.attempt(other, TODAY, {EMPATHY: 1})
        answer = await self._ask(desk, practice, learner)

        clarity, empathy = answer.skills
        assert (empathy.skill, empathy.name, empathy.n) == (EMPATHY, "Empathy", 3)
        assert (empathy.score, empathy.newest, empathy.tier) == (72.9, TODAY, "developing")
        assert clarity.score == 50
        assert answer.headline == (
            "Strongest is Empathy at 72.9 (developing); most to gain is in Clarity at 50.0"
            " (developing)."
        )

    async def test_sources_apart(self, desk: Desk, practice: Practice, team: UUID):
        (learner,) = await practice.people(1, team)
        for source, score in (("simulation", 80), ("call", 40), ("chat", 50), ("email", 60)):
            await practice.attempt(learner, TODAY, {EMPATHY: score}, source=source)
        real = (await self._ask(desk, practice, learner, "call")).skills[0]
        practiced = (await self._ask(desk, practice, learner, "simulation")).skills[0]

        assert (real.n, real.score) == (3, 50)
        assert (practiced.n, practiced.score, practiced.reason) == (1, None, "too_little_data")

    async def test_hidden_skills_are_not_told(self, desk: Desk, practice: Practice, team: UUID):
        (learner,) = await practice.people(1, team)
        for _ in range(3):
            await practice.attempt(learner, TODAY, {EMPATHY: 80, CLARITY: 70})
        await practice.world.connection.execute(
            "insert into tenant_skills (tenant_id, key, is_own, name, hidden, updated_at) values"
            " ($1, $2, false, null, true, $4), ($1, $3, false, 'Plain speech', false, $4)",
            practice.tenant_id,
            EMPATHY,
            CLARITY,
            NOW,
        )
        answer = await self._ask(desk, practice, learner)

        assert [(each.skill, each.name) for each in answer.skills] == [(CLARITY, "Plain speech")]

    async def test_nobody_and_nothing(self, desk: Desk, practice: Practice, team: UUID):
        (learner,) = await practice.people(1, team)
        for each in (learner, ids.new()):
            answer = await self._ask(desk, practice, each)
            assert answer.skills == ()
            assert answer.headline == "No skill has three scores yet, so there is nothing to say."


class TestTeamProficiency:
    async def _ask(self, desk: Desk, practice: Practice, team: UUID) -> TeamProficiency:
        query = TeamQuestion(tenant_id=practice.tenant_id, team_id=team, today=TODAY)
        return await team_proficiency(desk, query)

    async def _scores(
        self, practice: Practice, team: UUID, learner: UUID, skills: dict[str, int]
    ) -> None:
        for number in range(3):
            day = MONDAY - DAY - number * DAY
            await practice.attempt(learner, day, skills, team_id=team)

    async def test_people_are_counted_and_small_groups_are_not(
        self, desk: Desk, practice: Practice, team: UUID
    ):
        people = await practice.people(7, team)
        for number, learner in enumerate(people):
            skills = {EMPATHY: 80 if number < 5 else 30}
            await self._scores(
                practice, team, learner, skills | ({CLARITY: 60} if number < 4 else {})
            )
        answer = await self._ask(desk, practice, team)

        (empathy,) = answer.skills
        assert (empathy.skill, empathy.people, empathy.mean) == (EMPATHY, 7, 65.7)
        assert [(band.tiers, band.people) for band in empathy.bands] == [
            (("mastered", "proficient", "developing", "beginning"), 7)
        ]
        assert [(each.skill, each.reason) for each in answer.suppressed] == [
            (CLARITY, "too_few_people")
        ]
        assert answer.until == MONDAY - DAY
        assert answer.headline == "Empathy is at 65.7 on average of 7 people."

    async def test_only_members_and_only_up_to_last_sunday(
        self, desk: Desk, practice: Practice, team: UUID
    ):
        people = await practice.people(5, team)
        for learner in people:
            await self._scores(practice, team, learner, {EMPATHY: 80})
            await practice.attempt(learner, MONDAY, {EMPATHY: 0}, team_id=team)
        gone = await practice.world.learner(practice.tenant_id)
        start, end = date(2026, 1, 1), MONDAY - DAY
        await practice.world.member(practice.tenant_id, gone, team, start, end)
        await self._scores(practice, team, gone, {EMPATHY: 0})
        answer = await self._ask(desk, practice, team)

        (empathy,) = answer.skills
        assert (empathy.people, empathy.mean) == (5, 80)

    async def test_a_newcomer_is_not_the_difference_of_two_answers(
        self, desk: Desk, practice: Practice, team: UUID
    ):
        for learner in await practice.people(5, team):
            await self._scores(practice, team, learner, {EMPATHY: 80, CLARITY: 60})
        before = await self._ask(desk, practice, team)
        (newcomer,) = await practice.people(1, team)
        await self._scores(practice, team, newcomer, {EMPATHY: 20})
        for today in (TODAY, TODAY + WEEK):
            query = TeamQuestion(tenant_id=practice.tenant_id, team_id=team, today=today)
            answers = await asyncio.gather(*(team_proficiency(desk, query) for _ in range(3)))
            empathy = next(each for each in answers[0].skills if each.skill == EMPATHY)
            clarity = next(each for each in answers[0].skills if each.skill == CLARITY)
            assert answers[0].skills == answers[1].skills == answers[2].skills
            assert (empathy.people, empathy.mean) == (5, 80)
            assert empathy.until == before.until
            assert clarity.until == answers[0].until
        for learner in await practice.people(4, team):
            await self._scores(practice, team, learner, {EMPATHY: 20})
        after = await self._ask(desk, practice, team)
        assert [(each.people, each.mean) for each in after.skills if each.skill == EMPATHY] == [
            (10, 50)
        ]

    async def test_places_are_shared_by_whom_chance_may_part(
        self, desk: Desk, practice: Practice, team: UUID
    ):
        query = RankingQuery(tenant_id=practice.tenant_id, team_id=team, today=TODAY, skill=EMPATHY)
        with pytest.raises(QuestionError):
            await team_ranking(desk, query)
        await practice.world.connection.execute(
            "insert into report.settings (tenant_id, revision, min_people, rank_people, is_weekly,"
            " weekly_weekday, weekly_hour, updated_at) values ($1, 1, 5, true, false, 1, 6, $2)",
            practice.tenant_id,
            NOW,
        )
        people = await practice.people(4, team)
        for learner, score in zip(people, (90, 88, 20), strict=False):
            await self._scores(practice, team, learner, {EMPATHY: score})
        answer = await team_ranking(desk, query)
        shown = [(each.learner_id, each.place, each.score) for each in answer.people]
        ids = [format_id("lrn", each) for each in people]
        assert shown == [(ids[0], 1, 90), (ids[1], 1, 88), (ids[2], 3, 20)]
        assert answer.unknown == (ids[3],)
        assert "2 of 3 people share the first place" in answer.headline

    async def test_a_tenant_may_want_more_people(self, desk: Desk, practice: Practice, team: UUID):
        for learner in await practice.people(6, team):
            await self._scores(practice, team, learner, {EMPATHY: 80})
        await practice.world.connection.execute(
            "insert into report.settings (tenant_id, revision, min_people, rank_people, is_weekly,"
            " weekly_weekday, weekly_hour, updated_at) values ($1, 1, 7, false, false, 1, 6, $2)",
            practice.tenant_id,
            NOW,
        )
        answer = await self._ask(desk, practice, team)

        assert answer.skills == ()
        assert answer.min_people == 7
        assert answer.headline == "No skill has been seen often enough in at least 7 people."

    async def test_another_tenant_sees_nothing(
        self, desk: Desk, practice: Practice, team: UUID, tenants: TenantFactory
    ):
        for learner in await practice.people(5, team):
            await self._scores(practice, team, learner, {EMPATHY: 80})
        stranger = (await tenants.new()).tenant_id
        query = TeamQuestion(tenant_id=stranger, team_id=team, today=TODAY)

        assert (await team_proficiency(desk, query)).skills == ()


class TestVolume:
    async def test_a_learner_by_week(self, desk: Desk, practice: Practice, team: UUID):
        (learner,) = await practice.people(1, team)
        await practice.attempt(learner, MONDAY, {EMPATHY: 80}, minutes=12.5)
        await practice.attempt(learner, MONDAY, {EMPATHY: 80})
        await practice.attempt(learner, MONDAY - DAY, {EMPATHY: 80}, minutes=4, source="call")
        await practice.attempt(learner, MONDAY - WEEK, {EMPATHY: 80}, minutes=6)
        query = LearnerPracticeQuery(
            tenant_id=practice.tenant_id,
            learner_id=learner,
            today=TODAY,
            start=MONDAY - 2 * WEEK,
            end=TODAY,
        )
        answer = await learner_practice(desk, query)

        told = [(week.week, week.practice.attempts, week.practice.minutes) for week in answer.weeks]
        assert told == [
            (MONDAY - 2 * WEEK, 0, None),
            (MONDAY - WEEK, 1, 6.0),
            (MONDAY, 2, 12.5),
        ]
        assert answer.weeks[2].practice.timed == 1
        assert (answer.weeks[1].real.attempts, answer.weeks[1].real.minutes) == (1, 4.0)
        assert (answer.streak.current_weeks, answer.streak.is_this_week_done) == (2, True)
        assert answer.headline == "2 weeks in a row with practice."

    async def test_a_team_by_period(self, desk: Desk, practice: Practice, team: UUID):
        people = await practice.people(8, team)
        august = date(2026, 8, 3)
        for learner in people[:6]:
            for _ in range(2):
                await practice.attempt(
                    learner, august + DAY, {EMPATHY: 80}, team_id=team, minutes=10
                )
        for learner in people[:3]:
            await practice.attempt(learner, august + 2 * WEEK, {EMPATHY: 80}, team_id=team)
            await practice.attempt(
                learner, august, {EMPATHY: 80}, team_id=team, source="call", minutes=5
            )
            await practice.attempt(learner, MONDAY, {EMPATHY: 80}, team_id=team)
        answer = await self._ask(desk, practice, team, date(2026, 8, 1), TODAY)

        (period,) = [each for each in answer.periods if each.kind == "practice"]
        assert (period.first, period.last) == (august, august + 6 * DAY)
        assert (period.people, period.members, period.volume.attempts) == (6, 8, 12)
        assert period.volume.minutes == 120
        assert ("real", august) in [(each.kind, each.first) for each in answer.suppressed]
        assert [each for each in answer.periods if each.kind == "real"] == []
        assert answer.headline == "6 people practiced 12 times from 2026-08-03 to 2026-08-09."
        later = await self._ask(desk, practice, team, august + WEEK, TODAY)
        assert later.periods == ()

    async def _ask(
        self, desk: Desk, practice: Practice, team: UUID, start: date, end: date
    ) -> TeamPractice:
        query = TeamPracticeQuery(
            tenant_id=practice.tenant_id, team_id=team, today=TODAY, start=start, end=end
        )
        return await team_practice(desk, query)

    @pytest.mark.parametrize(
        ("start", "end", "field"),
        [
            (TODAY, TODAY - DAY, "to"),
            (date(2020, 1, 1), TODAY, "from"),
            (date(9999, 12, 30), date(9999, 12, 31), "to"),
        ],
    )
    async def test_a_wrong_range(
        self, desk: Desk, practice: Practice, start: date, end: date, field: str
    ):
        with pytest.raises(QuestionError) as refused:
            await self._ask(desk, practice, ids.new(), start, end)
        assert refused.value.field == field


async def test_goals(desk: Desk, practice: Practice, team: UUID):
    (learner,) = await practice.people(1, team)
    for number, (kind, skill, target, due) in enumerate(
        [
            ("score", EMPATHY, 70, TODAY + WEEK),
            ("score", CLARITY, 90, TODAY - DAY),
            ("attempts", None, 1, TODAY + 4 * WEEK),
        ]
    ):
        await practice.world.connection.execute(
            "insert into goals values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)",
            practice.tenant_id,
            UUID(int=number + 1),
            learner,
            kind,
            skill,
            target,
            MONDAY - WEEK,
            due,
            NOW,
        )
    for day in (MONDAY - 2 * WEEK, MONDAY - WEEK, MONDAY):
        await practice.attempt(learner, day, {EMPATHY: 80, CLARITY: 60})
    query = GoalProgressQuery(tenant_id=practice.tenant_id, learner_id=learner, today=TODAY)
    answer = await goal_progress(desk, query)

    score, missed, attempts = answer.goals
    assert score.goal_id == format_id("goal", UUID(int=1))
    assert (score.state, score.met_on, score.value) == ("met", MONDAY, 80.0)
    assert (missed.state, missed.value) == ("missed", 60.0)
    assert (attempts.state, attempts.done, attempts.needed) == ("on_the_way", 2, 5)
    assert answer.headline == "3 goals: 1 met, 1 missed, 1 open."
    assert missed.sentence == "Clarity to 90 by 2026-09-29: missed, now 60.0."


class TestScenarios:
    async def test_hard_and_easy_ones(self, desk: Desk, practice: Practice, team: UUID):
        people = await practice.people(12, team)
        hard = await practice.scenario("collections-angry-medical-bill")
        easy = await practice.scenario("support-angry-late-delivery")
        rare = await practice.scenario("fraud-nervous-card-alert")
        for number, learner in enumerate(people):
            for scenario, base in ((hard, 35), (easy, 75)):
                for extra in (0, 2):
                    await practice.attempt(
                        learner,
                        MONDAY - WEEK,
                        {},
                        scenario_id=scenario,
                        overall=base + number + extra,
                    )
            if number < 4:
                await practice.attempt(learner, MONDAY - WEEK, {}, scenario_id=rare, overall=50)
            await practice.attempt(learner, MONDAY, {}, scenario_id=rare, overall=50)
        query = ScenarioQualityQuery(tenant_id=practice.tenant_id, today=TODAY)
        answer = await scenario_figures(desk, query)

        figures = {each.slug: each for each in answer.scenarios}
        assert set(figures) == {"collections-angry-medical-bill", "support-angry-late-delivery"}
        tough = figures["collections-angry-medical-bill"]
        assert (tough.attempts, tough.people, tough.mean, tough.judgment) == (
            24, 12, 41.5, "too_hard",
        )  # fmt: skip
        assert tough.pass_share is not None
        assert tough.pass_share.value == 0
        assert tough.ease < 0 < figures["support-angry-late-delivery"].ease
        assert [each.scenario_id for each in answer.suppressed] == [format_id("scn", rare)]
        assert answer.until == MONDAY - DAY
        assert answer.headline.startswith("1 of 2 scenarios deserve a look, for example ")

    async def test_nobody_has_played(self, desk: Desk, practice: Practice):
        query = ScenarioQualityQuery(tenant_id=practice.tenant_id, today=TODAY)
        answer = await scenario_figures(desk, query)

        assert (answer.scenarios, answer.suppressed) == ((), ())
