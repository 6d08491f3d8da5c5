"""HTTP face of the audit trail."""

from uuid import UUID

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.files import attachment
from services.api.paging import Page, make_page
from services.api.trail.schemas import AuditEntryView, AuditExportQuery, AuditHeadView, AuditQuery
from services.api.trail.service import TrailService

READ = "audit:read"
PATH = "/v1/audit_log"


class TrailRoutes:
    """`/v1/audit_log`."""

    def __init__(self, trail: TrailService) -> None:
        self._trail = trail

    @endpoint(
        Endpoint(
            method="GET",
            path=PATH,
            scope=READ,
            query=AuditQuery,
            answers={200: Page[AuditEntryView]},
        )
    )
    async def list_audit_entries(self, call: Call) -> Answer:
        """List who did what and when, the newest first; an entry appears within a few seconds.

        Entries are chained by hashes: none can be changed, removed or put in without trace. What
        operators of the installation did with your tenant is among them.
        """
        query: AuditQuery = call.query
        rows = await self._trail.list(call.principal, query.filters(), call.page)
        page = make_page(rows, call.page, lambda row: UUID(int=row.position), AuditEntryView.of)
        return Answer(body=page)

    @endpoint(Endpoint(method="GET", path=f"{PATH}/head", scope=READ, answers={200: AuditHeadView}))
    async def get_audit_head(self, call: Call) -> Answer:
        """Get how far the log is sealed, and by which hash."""
        return Answer(body=AuditHeadView.of(await self._trail.head(call.principal)))

    @endpoint(
        Endpoint(
            method="GET",
            path=f"{PATH}/export",
            scope=READ,
            query=AuditExportQuery,
            answers={200: str},
            audited="audit.exported",
        )
    )
    async def export_audit_log(self, call: Call) -> Answer:
        """Export the log as NDJSON in its order, the head first; anybody can verify the chain."""
        query: AuditExportQuery = call.query
        parts = self._trail.export(call.principal, query.after)
        return attachment("audit_log.ndjson", "application/x-ndjson", parts)
