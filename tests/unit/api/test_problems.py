import asyncpg
import msgspec
import pytest
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException

from services.api.problem_pages import error_types, page
from services.api.problems import Problem, answer_error, as_app_error
from services.api.simulations.turns import StaleSeqError
from shared.errors import (
    AppError,
    BacklogFullError,
    FieldError,
    UnauthenticatedError,
    UnavailableError,
    ValidationFailedError,
)


def _problem(error: AppError) -> Problem:
    return msgspec.json.decode(answer_error(error, "req_1").body, type=Problem)


def test_a_problem_carries_what_a_program_needs() -> None:
    wrong = FieldError(pointer="/a", code="type", detail="Expected str")

    problem = _problem(ValidationFailedError(errors=(wrong,)))

    assert problem.type == "/problems/validation-failed"
    assert (problem.status, problem.code) == (400, "validation-failed")
    assert problem.errors == (wrong,)
    assert problem.request_id == "req_1"


def test_a_stale_seq_says_where_the_conversation_is() -> None:
    assert _problem(StaleSeqError(8)).last_seq == 8


def test_headers_follow_the_error() -> None:
    full = answer_error(BacklogFullError(retry_after_s=5), "req_1")
    anonymous = answer_error(UnauthenticatedError(), "req_1")

    assert full.headers["retry-after"] == "5"
    assert anonymous.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotFoundException(), "not-found"),
        (MethodNotAllowedException(), "method-not-allowed"),
        (HTTPException(status_code=400), "validation-failed"),
        (HTTPException(status_code=500), "internal"),
        (RuntimeError("secret text"), "internal"),
        (ConnectionResetError(), "temporary-reduced-capacity"),
        (asyncpg.ConnectionDoesNotExistError(), "temporary-reduced-capacity"),
        (asyncpg.AdminShutdownError(), "temporary-reduced-capacity"),
        (asyncpg.UndefinedColumnError("secret text"), "internal"),
        (TimeoutError(), "temporary-reduced-capacity"),
        (UnavailableError(), "temporary-reduced-capacity"),
        (AppError("secret text"), "internal"),
    ],
)
def test_whatever_happens_has_a_code(error: Exception, code: str) -> None:
    shown = as_app_error(error, "req_1")

    assert shown.code == code
    assert "secret" not in shown.detail


def test_codes_are_unique_and_explained() -> None:
    kinds = error_types()

    assert len(kinds) > 15
    for code, kind in kinds.items():
        assert code in page(kind)
        assert str(kind.status) in page(kind)
