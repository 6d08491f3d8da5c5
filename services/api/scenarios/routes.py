"""HTTP face of scenarios."""

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.paging import Page, make_page
from services.api.scenarios.schemas import ScenarioQuery, ScenarioView
from services.api.scenarios.service import ScenarioService
from shared.errors import CursorInvalidError, NotFoundError

READ = "scenarios:read"


class ScenarioRoutes:
    """`/v1/scenarios`."""

    def __init__(self, scenarios: ScenarioService) -> None:
        self._scenarios = scenarios

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/scenarios",
            scope=READ,
            query=ScenarioQuery,
            answers={200: Page[ScenarioView]},
            problems=(CursorInvalidError,),
        )
    )
    async def list_scenarios(self, call: Call) -> Answer:
        """List scenarios, each in its newest version, in order of creation."""
        query: ScenarioQuery = call.query
        page = query.page()
        rows = await self._scenarios.list(call.principal, page, slug=query.slug)
        return Answer(body=make_page(rows, page, lambda row: row.scenario_id, ScenarioView.of))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/scenarios/{scenario_id:scn}",
            scope=READ,
            answers={200: ScenarioView},
            problems=(NotFoundError,),
        )
    )
    async def get_scenario(self, call: Call) -> Answer:
        """Get a scenario in its newest version."""
        found = await self._scenarios.get(call.principal, call.ids["scenario_id"])
        return Answer(body=ScenarioView.of(found))
