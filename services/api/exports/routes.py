"""HTTP face of exports."""

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.exports.rows import MEDIA_TYPES, Format
from services.api.exports.schemas import ExportQuery
from services.api.exports.service import ExportService
from services.api.files import attachment

READ = "exports:read"


class ExportRoutes:
    """`/v1/assessments/export`."""

    def __init__(self, exports: ExportService) -> None:
        self._exports = exports

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/assessments/export",
            scope=READ,
            query=ExportQuery,
            answers={200: str},
            audited="assessments.exported",
        )
    )
    async def export_assessments(self, call: Call) -> Answer:
        """Export assessments as CSV or NDJSON, filtered like the list.

        One row per conversation, with the revision that counts; a column per root and per skill. In
        CSV a text that a spreadsheet would compute begins with an apostrophe. The file is streamed;
        one that breaks off has no proper end.
        """
        query: ExportQuery = call.query
        kind = query.format or _accepted(call.header(b"accept"))
        parts = await self._exports.open(call.principal, query.filters(), kind)
        return attachment(f"assessments.{kind}", MEDIA_TYPES[kind], parts)


def _accepted(accept: str | None) -> Format:
    """Return the format that a client names; CSV where it names none of ours."""
    for each in (accept or "").lower().split(","):
        if each.split(";")[0].strip() in {"application/x-ndjson", "application/jsonl"}:
            return "ndjson"
        if each.split(";")[0].strip() == "text/csv":
            return "csv"
    return "csv"
