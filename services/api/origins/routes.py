"""HTTP face of the allowed origins."""

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.origins.schemas import AllowedOrigins
from services.api.origins.service import OriginService


class OriginRoutes:
    """`/v1/allowed_origins`."""

    def __init__(self, origins: OriginService) -> None:
        self._origins = origins

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/allowed_origins",
            scope="settings:read",
            answers={200: AllowedOrigins},
        )
    )
    async def get_allowed_origins(self, call: Call) -> Answer:
        """Get the pages that may call the API from a browser."""
        return Answer(body=AllowedOrigins(origins=await self._origins.listed(call.principal)))

    @endpoint(
        Endpoint(
            method="PUT",
            path="/v1/allowed_origins",
            scope="settings:write",
            body=AllowedOrigins,
            answers={200: AllowedOrigins},
        )
    )
    async def put_allowed_origins(self, call: Call) -> Answer:
        """Replace the list of pages that may call the API from a browser.

        It counts within 5 seconds. Test keys work on `http://localhost` without being listed.
        """
        body: AllowedOrigins = call.body
        await self._origins.replace(call.principal, body.origins)
        return Answer(body=body)
