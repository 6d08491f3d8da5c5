"""Reading what goes into a file, a page at a time, each in a transaction of its own."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

from services.api.context import ProcessContext
from services.api.exports.rows import CsvWriter, ExportRow, Format, JsonWriter, opened
from services.api.filters.asked import ConversationQuery, Filters
from services.api.filters.named import find_filters
from services.api.filters.page import in_order
from services.api.paging import PageRequest
from services.api.principal import Principal
from services.api.scorings.repository import PAGES
from services.api.skills.service import SkillService
from shared.db.sql import Queries
from shared.db.tx import tenant_tx
from shared.library.skills import load_skill_roots

_SQL: Final = Queries("services.api.exports")

ROWS_AT_ONCE: Final = 100
"""A result is some tens of kilobytes; this bounds what one export holds in memory."""


class ExportService:
    """Writes files of assessments."""

    def __init__(self, context: ProcessContext, skills: SkillService) -> None:
        self._context = context
        self._skills = skills

    async def open(
        self, principal: Principal, query: ConversationQuery, kind: Format
    ) -> AsyncIterator[bytes]:
        """Return the parts of a file; everything that can be refused is refused before the first.

        Raises:
            ValidationFailedError: a filter names something that the caller cannot see.
        """
        taxonomy = await self._skills.taxonomy(principal)
        shown = [each.key for each in taxonomy.skills if not each.hidden]
        hidden = frozenset(each.key for each in taxonomy.skills if each.hidden)
        context = self._context
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            filters = await find_filters(connection, principal, tenant, query, is_assessed=True)
        writer = JsonWriter() if kind == "ndjson" else CsvWriter(list(load_skill_roots()), shown)
        return self._parts(principal, filters, writer, hidden)

    async def _parts(
        self,
        principal: Principal,
        filters: Filters,
        writer: CsvWriter | JsonWriter,
        hidden: frozenset[str],
    ) -> AsyncIterator[bytes]:
        if header := writer.header():
            yield header
        after: UUID | None = None
        while True:
            ids, rows = await self._page(principal, filters, after, hidden)
            if rows:
                yield await asyncio.to_thread(writer.lines, rows)
            if len(ids) <= ROWS_AT_ONCE:
                return
            after = ids[ROWS_AT_ONCE - 1]

    async def _page(
        self, principal: Principal, filters: Filters, after: UUID | None, hidden: frozenset[str]
    ) -> tuple[list[UUID], list[ExportRow]]:
        context = self._context
        bounds = principal.bounds(context.clock.now())
        page = PageRequest(after, ROWS_AT_ONCE, _no_cursor)
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            ids = await PAGES.fetch(connection, bounds, page, filters)
            shown = ids[:ROWS_AT_ONCE]
            found = await connection.fetch(_SQL["rows"], principal.tenant_id, shown)
        known = {row["scoring_id"]: row for row in found}
        # Beside the event loop: opening a hundred results takes some milliseconds.
        rows = await asyncio.to_thread(
            lambda: [opened(row, tenant, hidden) for row in in_order(shown, known)]
        )
        return ids, rows


def _no_cursor(_last: UUID) -> str:
    raise AssertionError("a file has no cursors")
