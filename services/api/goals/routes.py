"""HTTP face of personal goals."""

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.goals.schemas import GoalCreate, GoalDeleted, GoalPatch, GoalQuery, GoalView
from services.api.goals.service import GoalService
from services.api.paging import Page, make_page
from shared.errors import ConflictError, CursorInvalidError, NotFoundError
from shared.ids import format_id, parse_id

READ = "goals:read"
WRITE = "goals:write"


class GoalRoutes:
    """`/v1/goals`."""

    def __init__(self, goals: GoalService) -> None:
        self._goals = goals

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/goals",
            scope=WRITE,
            body=GoalCreate,
            answers={201: GoalView},
            idempotency="accepted",
            problems=(NotFoundError, ConflictError),
        )
    )
    async def create_goal(self, call: Call) -> Answer:
        """Make a goal for a learner: a proficiency to reach, or practice in every week."""
        goal, replayed = await self._goals.create(call.principal, call.claim, call.body)
        view = GoalView.of(goal)
        return Answer(
            body=view,
            status=201,
            headers={"Location": f"/v1/goals/{view.id}"},
            replayed=replayed,
        )

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/goals",
            scope=READ,
            query=GoalQuery,
            answers={200: Page[GoalView]},
            problems=(CursorInvalidError,),
        )
    )
    async def list_goals(self, call: Call) -> Answer:
        """List goals in order of creation, of everybody or of one learner."""
        query: GoalQuery = call.query
        learner_id = None if query.learner_id is None else parse_id("lrn", query.learner_id)
        rows = await self._goals.list(call.principal, call.page, learner_id)
        return Answer(body=make_page(rows, call.page, lambda row: row.goal_id, GoalView.of))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/goals/{goal_id:goal}",
            scope=READ,
            answers={200: GoalView},
            problems=(NotFoundError,),
        )
    )
    async def get_goal(self, call: Call) -> Answer:
        """Get a goal."""
        return Answer(body=GoalView.of(await self._goals.get(call.principal, call.ids["goal_id"])))

    @endpoint(
        Endpoint(
            method="PATCH",
            path="/v1/goals/{goal_id:goal}",
            scope=WRITE,
            body=GoalPatch,
            answers={200: GoalView},
            problems=(NotFoundError,),
        )
    )
    async def update_goal(self, call: Call) -> Answer:
        """Change the target or the due day of a goal; the same change again changes nothing."""
        changed = await self._goals.change(call.principal, call.ids["goal_id"], call.body)
        return Answer(body=GoalView.of(changed))

    @endpoint(
        Endpoint(
            method="DELETE",
            path="/v1/goals/{goal_id:goal}",
            scope=WRITE,
            answers={200: GoalDeleted},
            problems=(NotFoundError,),
        )
    )
    async def delete_goal(self, call: Call) -> Answer:
        """Delete a goal."""
        goal_id = call.ids["goal_id"]
        await self._goals.delete(call.principal, goal_id)
        return Answer(body=GoalDeleted(id=format_id("goal", goal_id)))
