"""HTTP face of a tenant's language model."""

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.llm_settings.schemas import (
    LlmSettingsDeleted,
    LlmSettingsPut,
    LlmSettingsView,
)
from services.api.llm_settings.service import LlmSettingsService
from shared.errors import ConflictError
from shared.llm.stored import StoredSettings

PATH = "/v1/settings/llm"


class LlmSettingsRoutes:
    """`/v1/settings/llm`."""

    def __init__(self, settings: LlmSettingsService) -> None:
        self._settings = settings

    @endpoint(
        Endpoint(method="GET", path=PATH, scope="settings:read", answers={200: LlmSettingsView})
    )
    async def get_llm_settings(self, call: Call) -> Answer:
        """Get what is set about your language model; secrets are never shown."""
        return self._answer(await self._settings.get(call.principal))

    @endpoint(
        Endpoint(
            method="PUT",
            path=PATH,
            scope="settings:write",
            body=LlmSettingsPut,
            answers={200: LlmSettingsView},
            problems=(ConflictError,),
        )
    )
    async def put_llm_settings(self, call: Call) -> Answer:
        """Replace what is set about your language model; it counts within 5 seconds.

        The key of your endpoint is stored sealed and never shown. It stays when you leave it out,
        unless the endpoint moves to another host: a key is only ever sent where you gave it for.
        """
        body: LlmSettingsPut = call.body
        return self._answer(await self._settings.put(call.principal, body.wish()))

    @endpoint(
        Endpoint(
            method="DELETE", path=PATH, scope="settings:write", answers={200: LlmSettingsDeleted}
        )
    )
    async def delete_llm_settings(self, call: Call) -> Answer:
        """Forget your endpoint, its key and everything else that is set; also a second time."""
        await self._settings.delete(call.principal)
        return Answer(body=LlmSettingsDeleted())

    def _answer(self, stored: StoredSettings) -> Answer:
        view = LlmSettingsView.of(stored, has_installation=self._settings.has_installation)
        return Answer(body=view, headers={"Cache-Control": "no-store"})
