"""HTTP face of files of all counted scores."""

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.exports.report_schemas import ReportExportCreate, ReportExportView
from services.api.exports.report_service import ReportExportService
from services.api.exports.routes import READ
from services.api.files import attachment
from services.api.reports.documents_schemas import MEDIA_TYPES
from shared.errors import ConflictError, NotFoundError
from shared.ids import format_id


class ReportExportRoutes:
    """`/v1/reports/exports`."""

    def __init__(self, exports: ReportExportService) -> None:
        self._exports = exports

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/reports/exports",
            scope=READ,
            body=ReportExportCreate,
            answers={202: ReportExportView},
            idempotency="accepted",
        )
    )
    async def create_report_export(self, call: Call) -> Answer:
        """Have a file made of every score that your reports count.

        One row per conversation and skill, with ids and without names. It is long work: follow the
        operation, then fetch the file within a week.
        """
        body: ReportExportCreate = call.body
        found, replayed = await self._exports.order(call.principal, call.claim, body.format)
        public_id = format_id("op", found.operation_id)
        places = {
            "Location": f"/v1/reports/exports/{public_id}",
            "Operation-Location": f"/v1/operations/{public_id}",
            "Retry-After": "1",
        }
        return Answer(
            body=ReportExportView.of(found), status=202, headers=places, replayed=replayed
        )

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/reports/exports/{operation_id:op}",
            scope=READ,
            answers={200: ReportExportView},
            problems=(NotFoundError,),
        )
    )
    async def get_report_export(self, call: Call) -> Answer:
        """Get how far a file of counted scores is."""
        found = await self._exports.get(call.principal, call.ids["operation_id"])
        return Answer(body=ReportExportView.of(found))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/reports/exports/{operation_id:op}/file",
            scope=READ,
            answers={200: str},
            problems=(NotFoundError, ConflictError),
            audited="report.exported",
        )
    )
    async def get_report_export_file(self, call: Call) -> Answer:
        """Fetch a file of counted scores, streamed.

        Scores that came in or were revised while it was written may be in it or not.
        """
        found, parts = await self._exports.open(call.principal, call.ids["operation_id"])
        name = f"scores-{format_id('op', found.operation_id)}.{found.format}"
        return attachment(name, MEDIA_TYPES[found.format], parts)
