"""Reading and canceling operations."""

from uuid import UUID

from services.api.context import ProcessContext
from services.api.idempotency import Claim, claim_or_find
from services.api.operations.repository import Operation, OperationRepository, Status
from services.api.paging import PageRequest
from services.api.principal import Principal
from services.api.waiting import wait_until
from shared.db.operations import add_operation_ended
from shared.db.tx import tenant_reads, tenant_tx


class OperationService:
    """Operations of every kind."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def get(self, principal: Principal, operation_id: UUID) -> Operation:
        """Return an operation; raises `NotFoundError`."""
        bounds = principal.bounds(self._context.clock.now())
        reads = tenant_reads(self._context.database)
        return await OperationRepository(reads, bounds).get(operation_id)

    async def await_end(self, principal: Principal, operation_id: UUID, wait_s: float) -> Operation:
        """Return an operation when it has ended, or as it is after `wait_s` seconds.

        Raises `NotFoundError`.
        """
        return await wait_until(
            lambda: self.get(principal, operation_id), lambda one: one.ended_at is not None, wait_s
        )

    async def list(
        self, principal: Principal, page: PageRequest, *, status: Status | None
    ) -> list[Operation]:
        """Return one more operation than the page holds, in order of creation."""
        bounds = principal.bounds(self._context.clock.now())
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            return await OperationRepository(connection, bounds).list_page(page, status)

    async def cancel(
        self, principal: Principal, claim: Claim | None, operation_id: UUID
    ) -> tuple[Operation, bool]:
        """Stop what has not ended; say as well whether it had ended before.

        What was played stays, and can be read. Raises `NotFoundError`.
        """
        context = self._context
        now = context.clock.now()
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            repository = OperationRepository(connection, principal.bounds(now))
            await repository.get(operation_id)
            await claim_or_find(connection, principal.tenant_id, claim, operation_id, now)
            await repository.cancel_scorings(operation_id, now)
            is_changed = await repository.cancel(operation_id, now)
            if is_changed:
                await add_operation_ended(
                    connection,
                    principal.tenant_id,
                    context.ids.new(),
                    operation_id,
                    "canceled",
                    now,
                )
            operation = await repository.get(operation_id)
        if is_changed:
            context.publisher.wake_events()
        return operation, not is_changed
