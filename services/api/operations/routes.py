"""HTTP face of operations."""

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.operations.answering import showing
from services.api.operations.schemas import OperationQuery, OperationView
from services.api.operations.service import OperationService
from services.api.paging import Page, make_page
from shared.errors import CursorInvalidError, NotFoundError

READ = "simulations:read"
WRITE = "simulations:write"


class OperationRoutes:
    """`/v1/operations`."""

    def __init__(self, operations: OperationService) -> None:
        self._operations = operations

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/operations",
            scope=READ,
            query=OperationQuery,
            answers={200: Page[OperationView]},
            problems=(CursorInvalidError,),
        )
    )
    async def list_operations(self, call: Call) -> Answer:
        """List long work in order of creation."""
        query: OperationQuery = call.query
        page = call.page
        rows = await self._operations.list(call.principal, page, status=query.status)
        return Answer(body=make_page(rows, page, lambda row: row.operation_id, OperationView.of))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/operations/{operation_id:op}",
            scope=READ,
            answers={200: OperationView},
            problems=(NotFoundError,),
        )
    )
    async def get_operation(self, call: Call) -> Answer:
        """Get long work: its status and how far it is.

        With `Prefer: wait=N` the answer waits until the work has ended, at most N seconds and at
        most 20; `Preference-Applied` says how long it was willing to.
        """
        operation = await self._operations.await_end(
            call.principal, call.ids["operation_id"], call.wait_s
        )
        return Answer(body=OperationView.of(operation), headers=showing(operation, call.wait_s))

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/operations/{operation_id:op}/cancel",
            scope=WRITE,
            answers={200: OperationView},
            idempotency="accepted",
            problems=(NotFoundError,),
        )
    )
    async def cancel_operation(self, call: Call) -> Answer:
        """Cancel long work; what is done stays, and work that has ended is left as it is."""
        operation, replayed = await self._operations.cancel(
            call.principal, call.claim, call.ids["operation_id"]
        )
        return Answer(
            body=OperationView.of(operation), replayed=replayed and call.claim is not None
        )
