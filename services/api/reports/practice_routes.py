"""HTTP face of the reports about practice."""

from datetime import date
from typing import Final
from uuid import UUID

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.learners.service import LearnerService
from services.api.report_settings.service import ReportSettingsService
from services.api.reports.practice_schemas import (
    GoalsProgressView,
    LearnerPracticeView,
    LearnerProficiencyView,
    NextParameters,
    NextPracticeView,
    PracticeRangeParameters,
    ProficiencyParameters,
    RankingParameters,
    RankingView,
    ScenarioQualityView,
    TeamExerciseView,
    TeamPracticeView,
    TeamProficiencyView,
    fields,
)
from services.api.reports.service import ReportService
from services.api.reports.table_routes import refuse_learners
from services.api.teams.service import TeamService
from shared.clock import Clock
from shared.contracts.reports import advice, practice
from shared.errors import (
    NotFoundError,
    RankingOffError,
    ScopeMissingError,
    UnavailableError,
)
from shared.ids import format_id

READ: Final = "reports:read"

_PROBLEMS = (NotFoundError, UnavailableError)

PATIENCE_S: Final = 5.0
"""Of questions for which everything is read that a tenant has played in up to two years."""


class PracticeReportRoutes:
    """Proficiency, practice, goals and advice under `/v1/reports`."""

    def __init__(
        self,
        reports: ReportService,
        teams: TeamService,
        learners: LearnerService,
        settings: ReportSettingsService,
        clock: Clock,
    ) -> None:
        self._reports = reports
        self._teams = teams
        self._learners = learners
        self._settings = settings
        self._clock = clock

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/reports/learners/{learner_id:lrn}/proficiency",
            scope=READ,
            query=ProficiencyParameters,
            answers={200: LearnerProficiencyView},
            problems=_PROBLEMS,
        )
    )
    async def get_learner_proficiency(self, call: Call) -> Answer:
        """Get how good a learner is at each skill now.

        The mean of the scores of the last 365 days, of which one 30 days older counts half. Fewer
        than three scores give no number. `call` means every real conversation.
        """
        parameters: ProficiencyParameters = call.query
        query = practice.LearnerProficiencyQuery(
            tenant_id=call.principal.tenant_id,
            learner_id=await self._learner(call),
            today=self._today(call),
            source=parameters.source,
        )
        reply = await self._reports.ask("learner_proficiency", query, practice.LearnerProficiency)
        view = LearnerProficiencyView(
            learner_id=_shown(call, "lrn", "learner_id"), source=query.source, **fields(reply)
        )
        return Answer(body=view)

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/reports/teams/{team_id:team}/proficiency",
            scope=READ,
            answers={200: TeamProficiencyView},
            problems=_PROBLEMS,
        )
    )
    async def get_team_proficiency(self, call: Call) -> Answer:
        """Get how many people of a team are how good at each skill, as of last Sunday.

        People are counted, nobody is named, and no count is about fewer people than the tenant's
        minimum: tiers are put together until it is reached, or the skill is suppressed.
        """
        query = practice.TeamQuestion(
            tenant_id=call.principal.tenant_id,
            team_id=await self._team(call),
            today=self._today(call),
        )
        reply = await self._reports.ask("team_proficiency", query, practice.TeamProficiency)
        return Answer(
            body=TeamProficiencyView(team_id=_shown(call, "team", "team_id"), **fields(reply))
        )

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/reports/teams/{team_id:team}/ranking",
            scope=READ,
            query=RankingParameters,
            answers={200: RankingView},
            problems=(*_PROBLEMS, RankingOffError),
        )
    )
    async def get_team_ranking(self, call: Call) -> Answer:
        """Get the people of a team in the order of a skill, if the tenant turned rankings on.

        Places are shared: one is as many as people are surely better, plus one. Off by default.
        """
        refuse_learners(call.principal)
        team_id = await self._team(call)
        if not (await self._settings.get(call.principal)).settings.rank_people:
            raise RankingOffError
        parameters: RankingParameters = call.query
        query = practice.RankingQuery(
            tenant_id=call.principal.tenant_id,
            team_id=team_id,
            today=self._today(call),
            skill=parameters.skill,
        )
        reply = await self._reports.ask("team_ranking", query, practice.Ranking)
        return Answer(body=RankingView(team_id=_shown(call, "team", "team_id"), **fields(reply)))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/reports/learners/{learner_id:lrn}/practice",
            scope=READ,
            query=PracticeRangeParameters,
            answers={200: LearnerPracticeView},
            problems=_PROBLEMS,
        )
    )
    async def get_learner_practice(self, call: Call) -> Answer:
        """Get how much a learner practices: attempts and minutes by week, and weeks in a row.

        Weeks are Monday to Sunday in the tenant's time zone; a week that the range touches is
        counted whole. Minutes are known of practice, and of real calls with a handle time.
        """
        start, end = self._range(call)
        query = practice.LearnerPracticeQuery(
            tenant_id=call.principal.tenant_id,
            learner_id=await self._learner(call),
            today=self._today(call),
            start=start,
            end=end,
        )
        reply = await self._reports.ask("learner_practice", query, practice.LearnerPractice)
        return Answer(
            body=LearnerPracticeView(learner_id=_shown(call, "lrn", "learner_id"), **fields(reply))
        )

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/reports/teams/{team_id:team}/practice",
            scope=READ,
            query=PracticeRangeParameters,
            answers={200: TeamPracticeView},
            problems=_PROBLEMS,
        )
    )
    async def get_team_practice(self, call: Call) -> Answer:
        """Get how much a team practices: attempts, minutes and active people.

        A period is one week, cut at month ends, or several that only together have enough people.
        Those that lie wholly in the weeks of the range are told, the week that is not over never.
        """
        start, end = self._range(call)
        query = practice.TeamPracticeQuery(
            tenant_id=call.principal.tenant_id,
            team_id=await self._team(call),
            today=self._today(call),
            start=start,
            end=end,
        )
        reply = await self._reports.ask("team_practice", query, practice.TeamPractice)
        return Answer(
            body=TeamPracticeView(team_id=_shown(call, "team", "team_id"), **fields(reply))
        )

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/reports/learners/{learner_id:lrn}/goals",
            scope=READ,
            answers={200: GoalsProgressView},
            problems=_PROBLEMS,
        )
    )
    async def get_learner_goals(self, call: Call) -> Answer:
        """Get how far a learner's goals are: met, missed, or on the way."""
        query = practice.GoalProgressQuery(
            tenant_id=call.principal.tenant_id,
            learner_id=await self._learner(call),
            today=self._today(call),
        )
        reply = await self._reports.ask("goal_progress", query, practice.GoalsProgress)
        return Answer(
            body=GoalsProgressView(learner_id=_shown(call, "lrn", "learner_id"), **fields(reply))
        )

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/reports/learners/{learner_id:lrn}/next_practice",
            scope=READ,
            query=NextParameters,
            answers={200: NextPracticeView},
            problems=_PROBLEMS,
        )
    )
    async def get_next_practice(self, call: Call) -> Answer:
        """Get what a learner might practice next, with the reason.

        The weakest skills that were seen often enough, each with a scenario that exercises it and
        whose expected score is near its pass mark; not one of the last 14 days.
        """
        parameters: NextParameters = call.query
        query = practice.NextPracticeQuery(
            tenant_id=call.principal.tenant_id,
            learner_id=await self._learner(call),
            today=self._today(call),
            amount=parameters.limit,
        )
        reply = await self._reports.ask(
            "next_practice", query, advice.NextPractice, patience_s=PATIENCE_S
        )
        return Answer(
            body=NextPracticeView(learner_id=_shown(call, "lrn", "learner_id"), **fields(reply))
        )

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/reports/teams/{team_id:team}/next_practice",
            scope=READ,
            answers={200: TeamExerciseView},
            problems=_PROBLEMS,
        )
    )
    async def get_team_exercise(self, call: Call) -> Answer:
        """Get a group exercise for a team's weakest skill: scenario, roles, what to listen for."""
        query = practice.TeamExerciseQuery(
            tenant_id=call.principal.tenant_id,
            team_id=await self._team(call),
            today=self._today(call),
        )
        reply = await self._reports.ask(
            "team_exercise", query, advice.TeamExerciseReply, patience_s=PATIENCE_S
        )
        return Answer(
            body=TeamExerciseView(team_id=_shown(call, "team", "team_id"), **fields(reply))
        )

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/reports/scenarios",
            scope=READ,
            answers={200: ScenarioQualityView},
            problems=(UnavailableError,),
        )
    )
    async def get_scenario_quality(self, call: Call) -> Answer:
        """Get how hard the scenarios are, and whether they tell good learners from others.

        Over the whole tenant, so a key that is bound to teams or to a learner may not ask.
        """
        principal = call.principal
        if principal.team_ids is not None or principal.learner_id is not None:
            raise ScopeMissingError("A bound key cannot see what is about the whole tenant")
        query = practice.ScenarioQualityQuery(
            tenant_id=principal.tenant_id, today=self._today(call)
        )
        reply = await self._reports.ask(
            "scenario_quality", query, practice.ScenarioQuality, patience_s=PATIENCE_S
        )
        return Answer(body=ScenarioQualityView(**fields(reply)))

    def _today(self, call: Call) -> date:
        return call.principal.today(self._clock.now())

    async def _learner(self, call: Call) -> UUID:
        """Return the learner of the path, once the caller is known to see them."""
        await self._learners.get(call.principal, call.ids["learner_id"])
        return call.ids["learner_id"]

    async def _team(self, call: Call) -> UUID:
        """Return the team of the path, once the caller is known to see it."""
        await self._teams.get(call.principal, call.ids["team_id"])
        return call.ids["team_id"]

    def _range(self, call: Call) -> tuple[date, date]:
        query: PracticeRangeParameters = call.query
        return query.range(self._today(call))


def _shown(call: Call, prefix: str, name: str) -> str:
    return format_id(prefix, call.ids[name])
