"""Files of counted scores as they are stored."""

from datetime import datetime
from uuid import UUID

import msgspec

from services.api.operations.repository import Status
from shared.contracts.reports.documents import ExportFormat


class ReportExport(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was ordered, without its content."""

    operation_id: UUID
    format: ExportFormat
    status: Status
    rows_done: int
    size_bytes: int
    created_at: datetime
    ended_at: datetime | None
    expires_at: datetime
