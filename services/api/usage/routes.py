"""HTTP face of what the language model did cost."""

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.paging import make_page
from services.api.usage.schemas import (
    BudgetView,
    ScoringUsage,
    SimulationUsage,
    TurnUsage,
    UsageQuery,
    UsageSums,
    UsageView,
    usage_group,
    usage_view,
)
from services.api.usage.service import UsageService
from shared.clock import Clock
from shared.errors import CursorInvalidError, NotFoundError
from shared.ids import format_id

READ = "usage:read"


class UsageRoutes:
    """`/v1/usage`, and the usage of simulations and scorings."""

    def __init__(self, usage: UsageService, clock: Clock) -> None:
        self._usage = usage
        self._clock = clock

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/usage",
            scope=READ,
            query=UsageQuery,
            answers={200: UsageView},
            problems=(CursorInvalidError,),
        )
    )
    async def get_usage(self, call: Call) -> Answer:
        """Sum up what your language model was asked: tokens, cost, latency, failures.

        Costs are by the price table on the day of the call. A call that broke off without an end
        counts as failed, with the most that it can have cost.
        """
        query: UsageQuery = call.query
        window = query.window(self._clock.now())
        groups, total = await self._usage.groups(call.principal, window, query.group_by, call.page)
        page = make_page(
            groups,
            call.page,
            lambda each: each.place,
            lambda each: usage_group(each, query.group_by),
        )
        return Answer(body=usage_view(window, query.group_by, page.data, total, page.next_cursor))

    @endpoint(
        Endpoint(method="GET", path="/v1/usage/budget", scope=READ, answers={200: BudgetView})
    )
    async def get_budget(self, call: Call) -> Answer:
        """Get what is left of this month's budgets for the language model."""
        return Answer(body=BudgetView.of(await self._usage.standing(call.principal)))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/simulations/{simulation_id:sim}/usage",
            scope=READ,
            answers={200: SimulationUsage},
            problems=(NotFoundError,),
        )
    )
    async def get_simulation_usage(self, call: Call) -> Answer:
        """Get what the language model did for a practice conversation, turn by turn."""
        simulation_id = call.ids["simulation_id"]
        total, turns = await self._usage.simulation(call.principal, simulation_id)
        return Answer(
            body=SimulationUsage(
                simulation_id=format_id("sim", simulation_id),
                total=UsageSums.of(total),
                turns=[TurnUsage.of(each) for each in turns],
            )
        )

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/scorings/{scoring_id:scr}/usage",
            scope=READ,
            answers={200: ScoringUsage},
            problems=(NotFoundError,),
        )
    )
    async def get_scoring_usage(self, call: Call) -> Answer:
        """Get what the language model did for a scoring."""
        scoring_id = call.ids["scoring_id"]
        total = await self._usage.scoring(call.principal, scoring_id)
        return Answer(
            body=ScoringUsage(scoring_id=format_id("scr", scoring_id), total=UsageSums.of(total))
        )
