"""Requests and answers of `/v1/reports/exports`."""

from datetime import datetime
from typing import Annotated

import msgspec

from services.api.exports.report_records import ReportExport
from services.api.fields import utc
from services.api.operations.repository import Status
from shared.contracts.reports.documents import ExportFormat
from shared.ids import format_id


class ReportExportCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the file is written."""

    format: Annotated[
        ExportFormat, msgspec.Meta(description="`parquet` is the smallest, and has types.")
    ]


class ReportExportView(msgspec.Struct, frozen=True, kw_only=True):
    """A file of every score that your reports count."""

    id: str
    """Of its operation."""
    format: ExportFormat
    status: Status
    rows: int
    """Scores that are written so far."""
    size_bytes: int
    file: str | None
    """Where to fetch it; null until it is whole."""
    created_at: datetime
    ended_at: datetime | None
    expires_at: datetime
    """The file is deleted then."""

    @classmethod
    def of(cls, export: ReportExport) -> "ReportExportView":
        """Return the public form."""
        public_id = format_id("op", export.operation_id)
        is_whole = export.status == "succeeded"
        return cls(
            id=public_id,
            format=export.format,
            status=export.status,
            rows=export.rows_done,
            size_bytes=export.size_bytes,
            file=f"/v1/reports/exports/{public_id}/file" if is_whole else None,
            created_at=utc(export.created_at),
            ended_at=None if export.ended_at is None else utc(export.ended_at),
            expires_at=utc(export.expires_at),
        )
