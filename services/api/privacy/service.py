"""Orders erasures and exports of a person; the orchestrator does them."""

from collections.abc import AsyncIterator
from typing import Final, Literal
from uuid import UUID

from services.api.context import ProcessContext
from services.api.idempotency import Claim, claim_or_find
from services.api.principal import Principal
from services.api.privacy.schemas import PrivacyTask, task_of
from services.api.trail.recording import note
from services.api.users.service import check_role
from shared.db.pool import Connection
from shared.db.sql import Queries
from shared.db.tx import tenant_reads, tenant_tx
from shared.errors import ConflictError, NotFoundError, ScopeMissingError
from shared.ids import format_id
from shared.privacy.archive import FILE_PART, file_row
from shared.privacy.ordering import PersonKind, order, order_tenant_export

_SQL: Final = Queries("services.api.privacy")

ReadKind = PersonKind | Literal["tenant_export"]

_ACTIONS: Final[dict[PersonKind, str]] = {
    "learner_erasure": "learner.erasure_ordered",
    "learner_export": "learner.export_ordered",
}
"""How the audit trail calls it."""


class FileGoneError(Exception):
    """A file was deleted while it was fetched: the connection breaks off."""


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
            else:
                await _join(connection, tenant_id, claim, ordered)
            found = await _read(connection, tenant_id, ordered, kind)
        return found, ordered != operation_id

    async def order_whole(
        self, principal: Principal, claim: Claim | None
    ) -> tuple[PrivacyTask, bool]:
        """Have everything of the tenant exported; say as well whether that is going on already.

        Raises:
            ScopeMissingError: the caller is no owner: in the file is more than anybody else sees.
        """
        _require_owner(principal)
        context, tenant_id = self._context, principal.tenant_id
        now, operation_id = context.clock.now(), context.ids.new()
        async with tenant_tx(context.database, tenant_id) as connection:
            earlier = await claim_or_find(connection, tenant_id, claim, operation_id, now)
            if earlier is not None:
                found = await _read(connection, tenant_id, earlier.resource_id, "tenant_export")
                return found, True
            ordered = await order_tenant_export(connection, tenant_id, operation_id, now=now)
            if ordered == operation_id:
                public_id = format_id("op", operation_id)
                await note(connection, principal, now, "tenant.export_ordered", public_id)
            else:
                await _join(connection, tenant_id, claim, ordered)
            found = await _read(connection, tenant_id, ordered, "tenant_export")
        return found, ordered != operation_id

    async def get(self, principal: Principal, operation_id: UUID, kind: ReadKind) -> PrivacyTask:
        """Return how far it is; raises `NotFoundError`, `ScopeMissingError`."""
        require = _require_owner if kind == "tenant_export" else _require_all
        require(principal)
        reads = tenant_reads(self._context.database)
        return await _read(reads, principal.tenant_id, operation_id, kind)

    async def open(
        self, principal: Principal, operation_id: UUID, kind: ReadKind
    ) -> tuple[PrivacyTask, AsyncIterator[bytes]]:
        """Return a whole file, part by part.

        Raises:
            NotFoundError: there is none, its time is over, or somebody in it was erased.
            ConflictError: it is not whole yet, or it never will be.
        """
        found = await self.get(principal, operation_id, kind)
        if found.status != "succeeded":
            raise ConflictError("The file is not whole: its status says why")
        reads = tenant_reads(self._context.database)
        wrapped: bytes | None = None
        if found.learner_id is not None:
            wrapped = await reads.fetchval(_SQL["file_key"], principal.tenant_id, found.learner_id)
            if wrapped is None:
                raise NotFoundError
        if found.expires_at is None or not found.has_file:
            raise NotFoundError
        return found, self._parts(principal.tenant_id, found, wrapped)

    async def _parts(
        self, tenant_id: UUID, found: PrivacyTask, wrapped: bytes | None
    ) -> AsyncIterator[bytes]:
        reads = tenant_reads(self._context.database)
        part = sent = 0
        while True:
            row = (tenant_id, found.operation_id, part)
            sealed = await reads.fetchval(_SQL["file_part"], *row)
            if sealed is None:
                if sent != found.size_bytes:
                    raise FileGoneError
                return
            # Asked for each part: the tenant's key may change while a long file is fetched.
            tenant = await self._context.keys.tenant(reads, tenant_id)
            own = (
                tenant
                if found.learner_id is None or wrapped is None
                else tenant.learner_key(found.learner_id, wrapped)
            )
            content = own.open(sealed, FILE_PART, file_row(found.operation_id, part))
            yield content
            part, sent = part + 1, sent + len(content)


async def _join(
    connection: Connection, tenant_id: UUID, claim: Claim | None, ordered: UUID
) -> None:
    """Have a key stand for what an earlier request with another one has ordered."""
    if claim is not None:
        await connection.execute(_SQL["join_claim"], tenant_id, claim.hash, ordered)


async def _read(
    connection: Connection, tenant_id: UUID, operation_id: UUID, kind: ReadKind
) -> PrivacyTask:
    row = await connection.fetchrow(_SQL["get_task"], tenant_id, operation_id, kind)
    if row is None:
        raise NotFoundError
    return task_of(dict(row))


def _require_all(principal: Principal) -> None:
    if principal.team_ids is not None or principal.learner_id is not None:
        raise ScopeMissingError("A key bound to teams or to a learner has no say for everybody")


def _require_owner(principal: Principal) -> None:
    _require_all(principal)
    if principal.environment == "test":
        raise ScopeMissingError("A test key does not take along what is live")
    try:
        check_role(principal, "owner")
    except ScopeMissingError:
        raise ScopeMissingError(
            "Only an owner, or a program's key with every scope, takes everything along"
        ) from None
