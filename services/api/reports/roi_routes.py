"""HTTP face of a program's return."""

from typing import Final

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.programs.service import ProgramService
from services.api.reports.roi_schemas import RoiView, roi_query, roi_view
from services.api.reports.service import ReportService
from shared.contracts.reports.roi import ROI, RoiReply
from shared.errors import NotFoundError, UnavailableError

READ = "reports:read"

PATIENCE_S: Final = 10.0
"""Seconds: years of many teams are read and weighed."""


class RoiRoutes:
    """`/v1/reports/programs`."""

    def __init__(self, reports: ReportService, programs: ProgramService) -> None:
        self._reports = reports
        self._programs = programs

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/reports/programs/{program_id:prog}/roi",
            scope=READ,
            answers={200: RoiView},
            problems=(NotFoundError, UnavailableError),
        )
    )
    async def get_program_roi(self, call: Call) -> Answer:
        """Get what a program brought: levels 0 to 5, and first of all what was not proven.

        No data counts as no improvement, and a change whose interval includes zero earns nothing.
        """
        program = await self._programs.get(call.principal, call.ids["program_id"])
        query = roi_query(call.principal, program)
        reply = await self._reports.ask(ROI, query, RoiReply, patience_s=PATIENCE_S)
        return Answer(body=roi_view(program, reply))
