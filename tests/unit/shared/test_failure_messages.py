"""What an exception says does not reach a workflow's history."""

from temporalio.api.failure.v1 import Failure
from temporalio.exceptions import ApplicationError

from shared.temporal.converter import DATA_CONVERTER

ROW = "DETAIL: Failing row contains (my secret)"


async def _failure(error: BaseException) -> Failure:
    failure = Failure()
    await DATA_CONVERTER.encode_failure(error, failure)
    return failure


async def test_foreign_messages_stay_out_of_the_history_wherever_they_hang() -> None:
    try:
        try:
            raise ValueError(ROW)
        except ValueError as inner:
            raise ApplicationError("worker-crashed", type="worker-crashed") from inner
    except ApplicationError as error:
        failure = await _failure(error)
    assert failure.message == "worker-crashed"
    assert failure.cause.message == "ValueError"
    assert b"secret" not in failure.SerializeToString()


async def test_an_exception_of_an_activity_shows_its_type() -> None:
    failure = await _failure(OSError(ROW))
    assert (failure.message, failure.application_failure_info.type) == ("OSError", "OSError")
    assert b"secret" not in failure.SerializeToString()
