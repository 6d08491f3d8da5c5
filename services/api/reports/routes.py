"""HTTP face of the trend of a team, and of how far the counting is."""

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.reports.schemas import TrendParameters, TrendView
from services.api.reports.service import ReportService
from services.api.reports.table_schemas import FreshnessView
from services.api.teams.service import TeamService
from shared.clock import Clock
from shared.contracts.reports.tables import FreshnessQuery, FreshnessReply
from shared.contracts.reports.trend import TrendQuery, TrendReply
from shared.errors import NotFoundError, UnavailableError
from shared.ids import format_id

READ = "reports:read"


class ReportRoutes:
    """`/v1/reports`: the trend of a team, and freshness."""

    def __init__(self, reports: ReportService, teams: TeamService, clock: Clock) -> None:
        self._reports = reports
        self._teams = teams
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
        """Get a team's skills by week or month, and what can be said about them.

        Each result counts for the team the person was in that day. A point counts whole weeks (or
        months) and at least `min_people` people; where a week has fewer, it is shown together with
        others or not at all, as `suppressed` says. A verdict is given only where the numbers are
        enough; it is corrected for the number of skills shown.
        """
        query: TrendParameters = call.query
        team_id = call.ids["team_id"]
        start, end = query.range(call.principal.today(self._clock.now()))
        await self._teams.get(call.principal, team_id)
        reply = await self._reports.ask(
            "trend",
            TrendQuery(
                tenant_id=call.principal.tenant_id,
                team_id=team_id,
                skill=query.skill,
                level=query.level,
                start=start,
                end=end,
                source=query.source,
                unit=query.bucket,
                view=query.view,
            ),
            TrendReply,
        )
        shown = TrendView.of(format_id("team", team_id), query, start, end, reply)
        return Answer(body=shown)

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/reports/freshness",
            scope=READ,
            answers={200: FreshnessView},
            problems=(UnavailableError,),
        )
    )
    async def get_report_freshness(self, call: Call) -> Answer:
        """Get how far the counting of scores is."""
        query = FreshnessQuery(tenant_id=call.principal.tenant_id)
        reply = await self._reports.ask("freshness", query, FreshnessReply)
        return Answer(body=FreshnessView.of(reply))
