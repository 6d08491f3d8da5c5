"""HTTP face of teams beside each other, and of what stands out."""

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.learners.service import LearnerService
from services.api.principal import Principal
from services.api.reports.ranges import RangeParameters
from services.api.reports.routes import READ
from services.api.reports.service import ReportService
from services.api.reports.table_schemas import (
    HeatmapParameters,
    HeatmapView,
    StrengthsView,
    UniformityParameters,
    UniformityView,
)
from services.api.teams.service import TeamService
from shared.clock import Clock
from shared.contracts.reports.tables import (
    HeatmapQuery,
    HeatmapReply,
    LearnerStrengthsQuery,
    StrengthsReply,
    TeamStrengthsQuery,
    UniformityQuery,
    UniformityReply,
)
from shared.errors import NotFoundError, ScopeMissingError, UnavailableError

READ_ASSESSMENTS = "scorings:read"


class TableRoutes:
    """`/v1/reports`: heatmap, uniformity, strengths."""

    def __init__(
        self,
        reports: ReportService,
        teams: TeamService,
        learners: LearnerService,
        clock: Clock,
    ) -> None:
        self._reports = reports
        self._teams = teams
        self._learners = learners
        self._clock = clock

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/reports/heatmap",
            scope=READ,
            query=HeatmapParameters,
            answers={200: HeatmapView},
            problems=(UnavailableError,),
        )
    )
    async def get_heatmap(self, call: Call) -> Answer:
        """Get a mean per team and skill: all teams, or those your key is bound to."""
        query: HeatmapParameters = call.query
        refuse_learners(call.principal)
        start, end = query.range(call.principal.today(self._clock.now()))
        reply = await self._reports.ask(
            "heatmap",
            HeatmapQuery(
                tenant_id=call.principal.tenant_id,
                team_ids=call.principal.team_ids,
                level=query.level,
                start=start,
                end=end,
                source=query.source,
            ),
            HeatmapReply,
        )
        return Answer(body=HeatmapView.of(query, start, end, reply))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/reports/uniformity",
            scope=READ,
            query=UniformityParameters,
            answers={200: UniformityView},
            problems=(UnavailableError,),
        )
    )
    async def get_uniformity(self, call: Call) -> Answer:
        """Get whether teams hold the same standard: by how much they differ beyond chance."""
        query: UniformityParameters = call.query
        refuse_learners(call.principal)
        start, end = query.range(call.principal.today(self._clock.now()))
        reply = await self._reports.ask(
            "uniformity",
            UniformityQuery(
                tenant_id=call.principal.tenant_id,
                team_ids=call.principal.team_ids,
                level=query.level,
                skill=query.skill,
                start=start,
                end=end,
                source=query.source,
            ),
            UniformityReply,
        )
        return Answer(body=UniformityView.of(query, start, end, reply))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/reports/teams/{team_id:team}/strengths",
            scope=READ,
            query=RangeParameters,
            answers={200: StrengthsView},
            problems=(NotFoundError, UnavailableError),
        )
    )
    async def get_team_strengths(self, call: Call) -> Answer:
        """Get what a team is good at and what it should improve, with assessments that show it."""
        query: RangeParameters = call.query
        team_id = call.ids["team_id"]
        start, end = query.range(call.principal.today(self._clock.now()))
        await self._teams.get(call.principal, team_id)
        reply = await self._reports.ask(
            "team_strengths",
            TeamStrengthsQuery(
                tenant_id=call.principal.tenant_id,
                team_id=team_id,
                start=start,
                end=end,
                source=query.source,
                has_evidence=READ_ASSESSMENTS in call.principal.scopes,
            ),
            StrengthsReply,
        )
        return Answer(body=StrengthsView.of(query, start, end, reply))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/reports/learners/{learner_id:lrn}/strengths",
            scope=READ,
            query=RangeParameters,
            answers={200: StrengthsView},
            problems=(NotFoundError, UnavailableError),
        )
    )
    async def get_learner_strengths(self, call: Call) -> Answer:
        """Get what a learner is good at and what to improve, measured against themselves."""
        query: RangeParameters = call.query
        learner_id = call.ids["learner_id"]
        start, end = query.range(call.principal.today(self._clock.now()))
        await self._learners.get(call.principal, learner_id)
        reply = await self._reports.ask(
            "learner_strengths",
            LearnerStrengthsQuery(
                tenant_id=call.principal.tenant_id,
                learner_id=learner_id,
                start=start,
                end=end,
                source=query.source,
                has_evidence=READ_ASSESSMENTS in call.principal.scopes,
            ),
            StrengthsReply,
        )
        return Answer(body=StrengthsView.of(query, start, end, reply))


def refuse_learners(principal: Principal) -> None:
    """Refuse keys of one learner: they see no team.

    Raises:
        ScopeMissingError: the key is bound to a learner.
    """
    if principal.learner_id is not None:
        raise ScopeMissingError("A key bound to a learner sees no teams")
