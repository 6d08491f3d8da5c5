"""HTTP face of users."""

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.paging import Page, make_page
from services.api.users.schemas import UserCreate, UserDeleted, UserPatch, UserQuery, UserView
from services.api.users.service import UserService
from shared.errors import ConflictError, CursorInvalidError, LastOwnerError, NotFoundError
from shared.ids import format_id

READ = "users:read"
WRITE = "users:write"


class UserRoutes:
    """`/v1/users`."""

    def __init__(self, users: UserService) -> None:
        self._users = users

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/users",
            scope=WRITE,
            body=UserCreate,
            answers={201: UserView},
            idempotency="accepted",
            problems=(NotFoundError, ConflictError),
        )
    )
    async def create_user(self, call: Call) -> Answer:
        """Make a user, with a role that has no more than you."""
        body: UserCreate = call.body
        user, replayed = await self._users.create(
            call.principal, call.claim, body.facts(), call.request_id
        )
        view = UserView.of(user)
        return Answer(
            body=view,
            status=201,
            headers={"Location": f"/v1/users/{view.id}"},
            replayed=replayed,
        )

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/users",
            scope=READ,
            query=UserQuery,
            answers={200: Page[UserView]},
            problems=(CursorInvalidError,),
        )
    )
    async def list_users(self, call: Call) -> Answer:
        """List users in order of creation, or find one by name."""
        query: UserQuery = call.query
        rows = await self._users.list(
            call.principal,
            call.page,
            user_name=query.user_name,
            role=query.role,
            active=query.active,
        )
        return Answer(body=make_page(rows, call.page, lambda user: user.user_id, UserView.of))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/users/{user_id:usr}",
            scope=READ,
            answers={200: UserView},
            problems=(NotFoundError,),
        )
    )
    async def get_user(self, call: Call) -> Answer:
        """Get a user."""
        return Answer(body=UserView.of(await self._users.get(call.principal, call.ids["user_id"])))

    @endpoint(
        Endpoint(
            method="PATCH",
            path="/v1/users/{user_id:usr}",
            scope=WRITE,
            body=UserPatch,
            answers={200: UserView},
            problems=(NotFoundError, ConflictError, LastOwnerError),
        )
    )
    async def update_user(self, call: Call) -> Answer:
        """Change a user: role, teams, names, whether they can sign in.

        Roles before and after have no more than you. One active owner always stays.
        """
        body: UserPatch = call.body
        user = await self._users.change(
            call.principal, call.ids["user_id"], body.apply, call.request_id
        )
        return Answer(body=UserView.of(user))

    @endpoint(
        Endpoint(
            method="DELETE",
            path="/v1/users/{user_id:usr}",
            scope=WRITE,
            answers={200: UserDeleted},
            problems=(NotFoundError, LastOwnerError),
        )
    )
    async def delete_user(self, call: Call) -> Answer:
        """Delete a user with the keys that are theirs; within 5 seconds those stop everywhere."""
        user_id = call.ids["user_id"]
        await self._users.delete(call.principal, user_id, call.request_id)
        return Answer(body=UserDeleted(id=format_id("usr", user_id)))
