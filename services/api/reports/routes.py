"""HTTP face of reports."""

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.reports.schemas import MAX_RANGE, TrendParameters, TrendView
from services.api.reports.service import ReportService
from services.api.skills.service import SkillService
from services.api.teams.service import TeamService
from shared.clock import Clock
from shared.contracts.reporting import TrendQuery
from shared.errors import FieldError, NotFoundError, UnavailableError, ValidationFailedError
from shared.ids import format_id

READ = "reports:read"


class ReportRoutes:
    """`/v1/reports`."""

    def __init__(
        self, reports: ReportService, teams: TeamService, skills: SkillService, clock: Clock
    ) -> None:
        self._reports = reports
        self._teams = teams
        self._skills = skills
        self._clock = clock

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/reports/teams/{team_id:team}/trend",
            scope=READ,
            query=TrendParameters,
            answers={200: TrendView},
            problems=(NotFoundError, UnavailableError),
        )
    )
    async def get_team_trend(self, call: Call) -> Answer:
        """Get a team's skills by week: n, mean, quartiles.

        Each result counts for the team the person was in that day. `call` means every real
        conversation: calls, chats and e-mails. A week that the range touches is counted whole.
        """
        query: TrendParameters = call.query
        team_id = call.ids["team_id"]
        start, end = query.range(call.principal.today(self._clock.now()))
        if not start <= end <= start + MAX_RANGE:
            detail = f"A range ends after it starts and has at most {MAX_RANGE.days // 7} weeks"
            raise ValidationFailedError(
                errors=(FieldError(pointer="query:to", code="out-of-range", detail=detail),)
            )
        await self._teams.get(call.principal, team_id)
        reply = await self._reports.trend(
            TrendQuery(
                tenant_id=call.principal.tenant_id,
                team_id=team_id,
                skill=query.skill,
                level=query.level,
                start=start,
                end=end,
                source=query.source,
            )
        )
        hidden = await self._skills.hidden(call.principal)
        view = TrendView(
            team_id=format_id("team", team_id),
            skill=query.skill,
            level=query.level,
            source=query.source,
            start=start,
            end=end,
            data=tuple(point for point in reply.points if point.skill not in hidden),
        )
        return Answer(body=view)
