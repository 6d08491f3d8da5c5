"""Files of all counted scores: ordered here, written by reporting, fetched here."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from services.api.context import ProcessContext
from services.api.exports.report_records import ReportExport
from services.api.idempotency import Claim, claim_or_find
from services.api.principal import Principal
from services.api.reports.service import ReportService
from services.api.trail.recording import note
from shared.contracts.reports.documents import BeginExport, Begun, ExportFormat
from shared.db.pool import Connection
from shared.db.sql import Queries
from shared.db.tx import tenant_reads, tenant_tx
from shared.errors import ConflictError, NotFoundError, ScopeMissingError, UnavailableError
from shared.ids import format_id
from shared.log import get_logger
from shared.reports import EXPORT_PART, part_row

log = get_logger()

_SQL: Final = Queries("services.api.exports")

KEPT: Final = timedelta(days=7)
"""How long a file can be fetched; reporting deletes it then."""


class ReportExportService:
    """Orders and reads files."""

    def __init__(self, context: ProcessContext, reports: ReportService) -> None:
        self._context = context
        self._reports = reports

    async def order(
        self, principal: Principal, claim: Claim | None, form: ExportFormat
    ) -> tuple[ReportExport, bool]:
        """Have a file written; say as well whether this is a repeat.

        Raises:
            ScopeMissingError: a key bound to teams or to a learner sees no whole tenant.
        """
        _require_all(principal)
        context, now = self._context, self._context.clock.now()
        operation_id = context.ids.new()
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            earlier = await claim_or_find(connection, principal.tenant_id, claim, operation_id, now)
            if earlier is None:
                tenant_id = principal.tenant_id
                row = (operation_id, now, now + KEPT)
                await connection.execute(_SQL["insert_report_operation"], tenant_id, *row)
                await connection.execute(
                    _SQL["insert_report_export"], tenant_id, operation_id, form
                )
                target = format_id("op", operation_id)
                await note(connection, principal, now, "report.ordered", target)
            found = await _read(
                connection,
                principal.tenant_id,
                operation_id if earlier is None else earlier.resource_id,
            )
        await self._hint(principal.tenant_id, found.operation_id)
        return found, earlier is not None

    async def get(self, principal: Principal, operation_id: UUID) -> ReportExport:
        """Return a file's state; raises `NotFoundError`, `ScopeMissingError`."""
        _require_all(principal)
        reads = tenant_reads(self._context.database)
        return await _read(reads, principal.tenant_id, operation_id)

    async def open(
        self, principal: Principal, operation_id: UUID
    ) -> tuple[ReportExport, AsyncIterator[bytes]]:
        """Return a whole file, part by part.

        Raises:
            NotFoundError: there is none.
            ConflictError: it is not whole yet, or it never will be.
        """
        found = await self.get(principal, operation_id)
        if found.status != "succeeded":
            raise ConflictError("The file is not whole: its status says why")
        return found, self._parts(principal.tenant_id, operation_id)

    async def _parts(self, tenant_id: UUID, operation_id: UUID) -> AsyncIterator[bytes]:
        reads = tenant_reads(self._context.database)
        tenant = await self._context.keys.tenant(reads, tenant_id)
        part = 0
        while True:
            sealed = await reads.fetchval(_SQL["report_export_part"], tenant_id, operation_id, part)
            if sealed is None:
                return
            yield tenant.open(sealed, EXPORT_PART, part_row(operation_id, part))
            part += 1

    async def _hint(self, tenant_id: UUID, operation_id: UUID) -> None:
        """Have it begun now; without an answer it begins when reporting next looks."""
        try:
            await self._reports.ask(
                "export", BeginExport(tenant_id=tenant_id, operation_id=operation_id), Begun
            )
        except UnavailableError:
            log.info("export.not_hinted")


async def _read(connection: Connection, tenant_id: UUID, operation_id: UUID) -> ReportExport:
    row = await connection.fetchrow(_SQL["get_report_export"], tenant_id, operation_id)
    if row is None:
        raise NotFoundError
    return msgspec.convert(dict(row), ReportExport)


def _require_all(principal: Principal) -> None:
    if principal.team_ids is not None or principal.learner_id is not None:
        raise ScopeMissingError("A key bound to teams or to a learner sees no whole tenant")
