"""Weekly pages, read for a caller."""

from datetime import date
from typing import Final
from uuid import UUID

import msgspec

from services.api.context import ProcessContext
from services.api.paging import PageRequest
from services.api.principal import Principal
from services.api.reports.documents_records import Document
from shared.db.sql import Queries
from shared.db.tx import tenant_reads
from shared.errors import NotFoundError

_SQL: Final = Queries("services.api.reports", "documents.sql")


class DocumentService:
    """Lists weekly pages."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def list(
        self, principal: Principal, page: PageRequest, *, team_id: UUID | None, week: date | None
    ) -> list[Document]:
        """Return one more document than the page holds, in order of creation."""
        rows = await tenant_reads(self._context.database).fetch(
            _SQL["list_documents"],
            principal.tenant_id,
            principal.learner_id,
            None if principal.team_ids is None else list(principal.team_ids),
            page.after,
            team_id,
            week,
            page.limit + 1,
        )
        return [msgspec.convert(dict(row), Document) for row in rows]

    async def check(self, principal: Principal, document_id: UUID) -> None:
        """Make sure that the caller may read a document; raises `NotFoundError`."""
        row = await tenant_reads(self._context.database).fetchrow(
            _SQL["get_document"],
            principal.tenant_id,
            principal.learner_id,
            None if principal.team_ids is None else list(principal.team_ids),
            document_id,
        )
        if row is None:
            raise NotFoundError
