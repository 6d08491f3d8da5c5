"""HTTP face of the version a tenant is pinned to."""

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.versions.schemas import VersionPut, VersionView
from services.api.versions.service import VersionService
from shared.errors import ScopeMissingError

READ = "settings:read"
WRITE = "settings:write"


class VersionRoutes:
    """`/v1/api_version`."""

    def __init__(self, versions: VersionService) -> None:
        self._versions = versions

    @endpoint(
        Endpoint(method="GET", path="/v1/api_version", scope=READ, answers={200: VersionView})
    )
    async def get_api_version(self, call: Call) -> Answer:
        """Get the version of the API that this tenant is pinned to, and all that there are.

        A tenant is pinned to the newest version by its first request. The header `Api-Version`
        asks for another one in a single request.
        """
        return Answer(body=VersionView.of(await self._versions.pinned(call.principal.tenant_id)))

    @endpoint(
        Endpoint(
            method="PUT",
            path="/v1/api_version",
            scope=WRITE,
            body=VersionPut,
            answers={200: VersionView},
        )
    )
    async def put_api_version(self, call: Call) -> Answer:
        """Pin this tenant to another version, newer or older.

        It counts within five seconds for every request without `Api-Version`.
        """
        body: VersionPut = call.body
        if call.principal.team_ids is not None or call.principal.learner_id is not None:
            raise ScopeMissingError("A key bound to teams or to a learner cannot change settings")
        await self._versions.move(call.principal.tenant_id, body.version)
        return Answer(body=VersionView.of(body.version))
