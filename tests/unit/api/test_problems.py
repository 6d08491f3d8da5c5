import asyncpg
import msgspec
import pytest
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException

from services.api.problem_pages import error_types, page, problem_texts
from services.api.problems import Problem, answer_error, as_app_error
from services.api.simulations.turns import StaleSeqError
from shared.errors import (
    AppError,
    BacklogFullError,
    FieldError,
    RequestTimeoutError,
    UnauthenticatedError,
    UnavailableError,
    ValidationFailedError,
)
from tests.support import problem_docs


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


def test_every_code_has_words_and_no_words_are_left_over() -> None:
    assert set(problem_texts()) == set(error_types())
    for code, text in problem_texts().items():
        assert text.causes, code
        assert text.do, code


def test_the_files_are_those_that_are_served() -> None:
    kept = {path.name: path.read_text() for path in problem_docs.FOLDER.glob("*.md")}
    assert kept == problem_docs.pages(), "run: python -m tests.support.problem_docs"


def test_a_title_belongs_to_its_code() -> None:
    for kind in error_types().values():
        for special in kind.__subclasses__():
            if special.code == kind.code:
                assert special.title == kind.title, "a title never changes within a type (RFC 9457)"


def test_a_limit_is_named() -> None:
    body = msgspec.json.decode(answer_error(BacklogFullError(), "req_1").body)
    assert body["violated-policies"] == ["waiting-work"]
    assert "violated-policies" not in msgspec.json.decode(answer_error(AppError(), "req_1").body)


def test_a_slow_body_closes_its_connection() -> None:
    assert answer_error(RequestTimeoutError(), "req_1").headers["connection"] == "close"
