"""HTTP face of customer outcomes, and of skills beside them."""

from uuid import UUID

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.principal import Principal
from services.api.reports.outcomes_schemas import (
    CorrelationParameters,
    CorrelationsView,
    OutcomesParameters,
    OutcomesView,
    TransferParameters,
    TransferView,
)
from services.api.reports.routes import READ
from services.api.reports.service import ReportService
from services.api.reports.table_routes import refuse_learners
from services.api.teams.service import TeamService
from shared.clock import Clock
from shared.contracts.reports.outcomes import (
    CORRELATIONS,
    OUTCOMES,
    TRANSFER,
    CorrelationsQuery,
    CorrelationsReply,
    OutcomesQuery,
    OutcomesReply,
    TransferQuery,
    TransferReply,
)
from shared.errors import NotFoundError, UnavailableError
from shared.ids import format_id, parse_id


class OutcomeRoutes:
    """`/v1/reports`: customer outcomes."""

    def __init__(self, reports: ReportService, teams: TeamService, clock: Clock) -> None:
        self._reports = reports
        self._teams = teams
        self._clock = clock

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/reports/teams/{team_id:team}/outcomes",
            scope=READ,
            query=OutcomesParameters,
            answers={200: OutcomesView},
            problems=(NotFoundError, UnavailableError),
        )
    )
    async def get_team_outcomes(self, call: Call) -> Answer:
        """Get what a team's customers answered, and how its contacts went.

        CSAT, NPS and CES with response rates, handle time, first-contact resolution, transfers.
        A point needs ten answers or contacts and enough people; weeks with fewer are counted with
        others of their month or not at all.
        """
        query: OutcomesParameters = call.query
        team_id = call.ids["team_id"]
        await self._teams.get(call.principal, team_id)
        days = query.range(call.principal.today(self._clock.now()))
        reply = await self._reports.ask(
            OUTCOMES,
            OutcomesQuery(
                tenant_id=call.principal.tenant_id,
                team_id=team_id,
                start=days[0],
                end=days[1],
                unit=query.bucket,
            ),
            OutcomesReply,
        )
        return Answer(body=OutcomesView.of(format_id("team", team_id), query, days, reply))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/reports/outcomes/correlations",
            scope=READ,
            query=CorrelationParameters,
            answers={200: CorrelationsView},
            problems=(NotFoundError, UnavailableError),
        )
    )
    async def get_outcome_correlations(self, call: Call) -> Answer:
        """Get which skills and customer outcomes go together, a pair of numbers per person.

        Counts whole months and people with three scores and three answers or contacts; ten such
        people make a pair. It is a correlation, and never says that one causes the other.
        """
        query: CorrelationParameters = call.query
        start, end = query.range(call.principal.today(self._clock.now()))
        reply = await self._reports.ask(
            CORRELATIONS,
            CorrelationsQuery(
                tenant_id=call.principal.tenant_id,
                team_ids=await self._team_ids(call.principal, query.team_id),
                skill=query.skill,
                start=start,
                end=end,
                source=query.source,
            ),
            CorrelationsReply,
        )
        return Answer(body=CorrelationsView.of(reply))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/reports/transfer",
            scope=READ,
            query=TransferParameters,
            answers={200: TransferView},
            problems=(NotFoundError, UnavailableError),
        )
    )
    async def get_transfer(self, call: Call) -> Answer:
        """Get whether people who gained in practice gained in real conversations, per skill.

        Compares a quarter with the one before it; people count who have two scores of each kind in
        both. It is an association, and never says that practice is the cause.
        """
        query: TransferParameters = call.query
        reply = await self._reports.ask(
            TRANSFER,
            TransferQuery(
                tenant_id=call.principal.tenant_id,
                team_ids=await self._team_ids(call.principal, query.team_id),
                skill=query.skill,
                quarter=query.first_day(call.principal.today(self._clock.now())),
            ),
            TransferReply,
        )
        return Answer(body=TransferView.of(reply))

    async def _team_ids(self, principal: Principal, team_id: str | None) -> tuple[UUID, ...] | None:
        """Return whose people are counted; None: everybody's.

        Raises:
            NotFoundError: no such team for this caller.
            ScopeMissingError: the key is bound to a learner.
        """
        refuse_learners(principal)
        if team_id is None:
            return principal.team_ids
        team = await self._teams.get(principal, parse_id("team", team_id))
        return (team.team_id,)
