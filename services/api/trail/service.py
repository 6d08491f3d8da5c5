"""Reading a tenant's audit trail."""

from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

from services.api.context import ProcessContext
from services.api.paging import PageRequest
from services.api.principal import Principal
from shared.db.tx import tenant_reads
from shared.errors import ScopeMissingError
from shared.trail.exporting import lines
from shared.trail.reading import Filters, Sealed, StoredHead, find_head, matching

_LINES_AT_ONCE: Final = 200
"""Lines that are sent together: some tens of kilobytes."""


class TrailService:
    """Reads of one tenant's chain."""

    def __init__(self, context: ProcessContext) -> None:
        self._database = context.database

    async def list(self, principal: Principal, filters: Filters, page: PageRequest) -> list[Sealed]:
        """Return one more entry than the page has, the newest first.

        Raises:
            ScopeMissingError: the caller sees only some people.
        """
        _require_all(principal)
        reads = tenant_reads(self._database)
        before, limit = page.after_number, page.limit + 1
        return await matching(reads, principal.tenant_id, filters, before=before, limit=limit)

    async def head(self, principal: Principal) -> StoredHead | None:
        """Return how far the chain is sealed; raises `ScopeMissingError`."""
        _require_all(principal)
        return await find_head(tenant_reads(self._database), principal.tenant_id)

    def export(self, principal: Principal, after: int) -> AsyncIterator[bytes]:
        """Return the chain as NDJSON, its head first; raises `ScopeMissingError`."""
        _require_all(principal)
        return self._parts(principal.tenant_id, after)

    async def _parts(self, tenant_id: UUID, after: int) -> AsyncIterator[bytes]:
        some: list[bytes] = []
        async for line in lines(self._database, tenant_id, after=after):
            some.append(line)
            if len(some) >= _LINES_AT_ONCE:
                yield b"".join(some)
                some = []
        yield b"".join(some)


def _require_all(principal: Principal) -> None:
    if principal.is_bound:
        raise ScopeMissingError("Who is bound to teams or to a learner sees no audit log")
