"""HTTP face of teams."""

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.metadata import MetadataPatch
from services.api.paging import Page, make_page
from services.api.teams.schemas import TeamCreate, TeamQuery, TeamView
from services.api.teams.service import TeamService
from shared.errors import ConflictError, CursorInvalidError, NotFoundError

READ = "teams:read"
WRITE = "teams:write"


class TeamRoutes:
    """`/v1/teams`."""

    def __init__(self, teams: TeamService) -> None:
        self._teams = teams

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/teams",
            scope=WRITE,
            body=TeamCreate,
            answers={201: TeamView},
            idempotency="accepted",
            problems=(ConflictError,),
        )
    )
    async def create_team(self, call: Call) -> Answer:
        """Make a team."""
        body: TeamCreate = call.body
        team, replayed = await self._teams.create(
            call.principal,
            call.claim,
            name=body.name,
            external_id=body.external_id,
            metadata=body.metadata,
        )
        view = TeamView.of(team)
        return Answer(
            body=view,
            status=201,
            headers={"Location": f"/v1/teams/{view.id}"},
            replayed=replayed,
        )

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/teams",
            scope=READ,
            query=TeamQuery,
            answers={200: Page[TeamView]},
            problems=(CursorInvalidError,),
        )
    )
    async def list_teams(self, call: Call) -> Answer:
        """List teams in order of creation, or find one by your own id."""
        query: TeamQuery = call.query
        page = call.page
        rows = await self._teams.list(call.principal, page, external_id=query.external_id)
        return Answer(body=make_page(rows, page, lambda row: row.team_id, TeamView.of))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/teams/{team_id:team}",
            scope=READ,
            answers={200: TeamView},
            problems=(NotFoundError,),
        )
    )
    async def get_team(self, call: Call) -> Answer:
        """Get a team."""
        return Answer(body=TeamView.of(await self._teams.get(call.principal, call.ids["team_id"])))

    @endpoint(
        Endpoint(
            method="PATCH",
            path="/v1/teams/{team_id:team}",
            scope=WRITE,
            body=MetadataPatch,
            answers={200: TeamView},
            problems=(NotFoundError,),
        )
    )
    async def update_team(self, call: Call) -> Answer:
        """Change the metadata of a team; the same change again changes nothing."""
        body: MetadataPatch = call.body
        changed = await self._teams.attach(call.principal, call.ids["team_id"], body.metadata)
        return Answer(body=TeamView.of(changed))
