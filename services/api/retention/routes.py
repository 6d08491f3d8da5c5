"""HTTP face of retention."""

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.retention.schemas import RetentionPut, RetentionView
from services.api.retention.service import RetentionService
from shared.errors import ConflictError

PATH = "/v1/settings/retention"


class RetentionRoutes:
    """`/v1/settings/retention`."""

    def __init__(self, retention: RetentionService) -> None:
        self._retention = retention

    @endpoint(
        Endpoint(method="GET", path=PATH, scope="settings:read", answers={200: RetentionView})
    )
    async def get_retention(self, call: Call) -> Answer:
        """Get how long what is kept."""
        return Answer(body=RetentionView.of(*await self._retention.get(call.principal)))

    @endpoint(
        Endpoint(
            method="PUT",
            path=PATH,
            scope="settings:write",
            body=RetentionPut,
            answers={200: RetentionView},
            problems=(ConflictError,),
        )
    )
    async def put_retention(self, call: Call) -> Answer:
        """Replace how long what is kept; what is too old by it goes within hours, for good.

        Numbers stay: scores, reports and what they rest on do not change when words go.
        """
        body: RetentionPut = call.body
        stored = await self._retention.put(call.principal, body.wish(), body.expected_revision)
        return Answer(body=RetentionView.of(*stored))
