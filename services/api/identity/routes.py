"""HTTP face of a tenant's identity provider."""

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.identity.schemas import IdentityDeleted, IdentityPut, IdentityView
from services.api.identity.service import IdentityService
from shared.errors import ConflictError

PATH = "/v1/settings/identity"


class IdentityRoutes:
    """`/v1/settings/identity`."""

    def __init__(self, identity: IdentityService) -> None:
        self._identity = identity

    @endpoint(Endpoint(method="GET", path=PATH, scope="settings:read", answers={200: IdentityView}))
    async def get_identity_settings(self, call: Call) -> Answer:
        """Get which identity provider your people sign in with, and the audience that is yours."""
        return Answer(
            body=IdentityView.of(await self._identity.get(call.principal), call.principal)
        )

    @endpoint(
        Endpoint(
            method="PUT",
            path=PATH,
            scope="settings:write",
            body=IdentityPut,
            answers={200: IdentityView},
            problems=(ConflictError,),
        )
    )
    async def put_identity_settings(self, call: Call) -> Answer:
        """Replace the identity provider that your people sign in with; it counts within 10 seconds.

        Only an owner, or a program's key that has every scope: whose provider it is decides who is
        who. With another issuer everybody is found by `user_claim` once more.
        """
        body: IdentityPut = call.body
        principal = call.principal
        stored = await self._identity.put(principal, body.settings(principal), call.request_id)
        return Answer(body=IdentityView.of(stored, principal))

    @endpoint(
        Endpoint(method="DELETE", path=PATH, scope="settings:write", answers={200: IdentityDeleted})
    )
    async def delete_identity_settings(self, call: Call) -> Answer:
        """Forget your identity provider: its tokens open nothing from now on."""
        await self._identity.delete(call.principal, call.request_id)
        return Answer(body=IdentityDeleted())
