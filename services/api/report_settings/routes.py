"""HTTP face of a tenant's choices about its reports."""

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.report_settings.schemas import ReportSettingsPut, ReportSettingsView
from services.api.report_settings.service import ReportSettingsService
from shared.errors import ConflictError

PATH = "/v1/settings/reports"


class ReportSettingsRoutes:
    """`/v1/settings/reports`."""

    def __init__(self, settings: ReportSettingsService) -> None:
        self._settings = settings

    @endpoint(
        Endpoint(method="GET", path=PATH, scope="settings:read", answers={200: ReportSettingsView})
    )
    async def get_report_settings(self, call: Call) -> Answer:
        """Get what is set about your reports."""
        return Answer(body=ReportSettingsView.of(await self._settings.get(call.principal)))

    @endpoint(
        Endpoint(
            method="PUT",
            path=PATH,
            scope="settings:write",
            body=ReportSettingsPut,
            answers={200: ReportSettingsView},
            problems=(ConflictError,),
        )
    )
    async def put_report_settings(self, call: Call) -> Answer:
        """Replace what is set about your reports; the next answer counts by it.

        More people per number can be asked for, fewer than 5 cannot. Whether people may be ranked
        is yours to decide, with those who represent them.
        """
        body: ReportSettingsPut = call.body
        stored = await self._settings.put(call.principal, body.wish())
        return Answer(body=ReportSettingsView.of(stored))
