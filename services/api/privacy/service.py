"""Orders erasures and exports of a person; the orchestrator does them."""

from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

from services.api.context import ProcessContext
from services.api.idempotency import Claim, claim_or_find
from services.api.principal import Principal
from services.api.privacy.schemas import PrivacyTask, task_of
from services.api.trail.recording import note
from shared.db.pool import Connection
from shared.db.sql import Queries
from shared.db.tx import tenant_reads, tenant_tx
from shared.errors import ConflictError, NotFoundError, ScopeMissingError
from shared.ids import format_id
from shared.privacy.exporting import FILE_PART, file_row
from shared.privacy.ordering import PersonKind, order

_SQL: Final = Queries("services.api.privacy")

_ACTIONS: Final[dict[PersonKind, str]] = {
    "learner_erasure": "learner.erasure_ordered",
    "learner_export": "learner.export_ordered",
}
"""How the audit trail calls it."""


class PrivacyService:
    """What is done with all data of one person at once."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def order(
        self, principal: Principal, claim: Claim | None, learner_id: UUID, kind: PersonKind
    ) -> tuple[PrivacyTask, bool]:
        """Have a person erased or exported; say as well whether that is a repeat.

        Raises:
            ScopeMissingError: a key bound to teams or to a learner has no say here.
            NotFoundError: no such person; of an export, nobody who is not erased.
        """
        _require_all(principal)
        context, tenant_id = self._context, principal.tenant_id
        now, operation_id = context.clock.now(), context.ids.new()
        async with tenant_tx(context.database, tenant_id) as connection:
            earlier = await claim_or_find(connection, tenant_id, claim, operation_id, now)
            if earlier is not None:
                return await _read(connection, tenant_id, earlier.resource_id, kind), True
            ordered = await order(
                connection, tenant_id, operation_id, kind, learner_id=learner_id, now=now
            )
            if ordered == operation_id:
                await note(
                    connection,
                    principal,
                    now,
                    _ACTIONS[kind],
                    format_id("lrn", learner_id),
                    facts={"operation": format_id("op", operation_id)},
                )
            found = await _read(connection, tenant_id, ordered, kind)
        return found, ordered != operation_id

    async def get(self, principal: Principal, operation_id: UUID, kind: PersonKind) -> PrivacyTask:
        """Return how far it is; raises `NotFoundError`, `ScopeMissingError`."""
        _require_all(principal)
        reads = tenant_reads(self._context.database)
        return await _read(reads, principal.tenant_id, operation_id, kind)

    async def open(
        self, principal: Principal, operation_id: UUID
    ) -> tuple[PrivacyTask, AsyncIterator[bytes]]:
        """Return a whole file, part by part.

        Raises:
            NotFoundError: there is none, its time is over, or the person was erased.
            ConflictError: it is not whole yet, or it never will be.
        """
        found = await self.get(principal, operation_id, "learner_export")
        if found.status != "succeeded":
            raise ConflictError("The file is not whole: its status says why")
        reads = tenant_reads(self._context.database)
        wrapped = await reads.fetchval(_SQL["file_key"], principal.tenant_id, found.learner_id)
        if wrapped is None or found.expires_at is None:
            raise NotFoundError
        return found, self._parts(principal.tenant_id, found, wrapped)

    async def _parts(
        self, tenant_id: UUID, found: PrivacyTask, wrapped: bytes
    ) -> AsyncIterator[bytes]:
        reads = tenant_reads(self._context.database)
        tenant = await self._context.keys.tenant(reads, tenant_id)
        own = tenant.learner_key(found.learner_id, wrapped)
        part = 0
        while True:
            row = (tenant_id, found.operation_id, part)
            sealed = await reads.fetchval(_SQL["file_part"], *row)
            if sealed is None:
                return
            yield own.open(sealed, FILE_PART, file_row(found.operation_id, part))
            part += 1


async def _read(
    connection: Connection, tenant_id: UUID, operation_id: UUID, kind: PersonKind
) -> PrivacyTask:
    row = await connection.fetchrow(_SQL["get_task"], tenant_id, operation_id, kind)
    if row is None:
        raise NotFoundError
    return task_of(dict(row))


def _require_all(principal: Principal) -> None:
    if principal.team_ids is not None or principal.learner_id is not None:
        raise ScopeMissingError("A key bound to teams or to a learner has no say for everybody")
