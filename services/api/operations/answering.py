"""Answers of what begins long work, and of what shows it."""

from services.api.endpoint import Answer
from services.api.operations.repository import Operation
from services.api.operations.schemas import OperationView
from services.api.operations.service import OperationService
from services.api.principal import Principal
from services.api.waiting import applied


async def begun(
    operations: OperationService,
    principal: Principal,
    operation: Operation,
    wait_s: int,
    *,
    replayed: bool,
) -> Answer:
    """Return the answer to what has begun an operation, after its end where the client waits.

    Raises:
        NotFoundError: it is gone, or no longer for this caller.
    """
    if wait_s:
        operation = await operations.await_end(principal, operation.operation_id, wait_s)
    return Answer(
        body=OperationView.of(operation),
        status=202,
        headers=beginning(operation, wait_s),
        replayed=replayed,
    )


def beginning(operation: Operation, wait_s: int) -> dict[str, str]:
    """Return the headers of an answer that begins an operation."""
    view = OperationView.of(operation)
    places = {"Location": view.result, "Operation-Location": f"/v1/operations/{view.id}"}
    return places | showing(operation, wait_s)


def showing(operation: Operation, wait_s: int) -> dict[str, str]:
    """Return the headers of an answer that shows one: when to look again; what has ended, never."""
    again = {} if operation.ended_at else {"Retry-After": "1"}
    return again | applied(wait_s)
