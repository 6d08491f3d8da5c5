"""The only place where errors become HTTP: RFC 9457 problem details, for every status and route."""

import traceback
from typing import Any, Final

import asyncpg
import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.response.base import ASGIResponse
from litestar.types import Method, Send

from shared.errors import (
    AppError,
    FieldError,
    MethodNotAllowedError,
    NotFoundError,
    RequestTimeoutError,
    TenantPausedError,
    UnauthenticatedError,
    UnavailableError,
    ValidationFailedError,
)
from shared.log import get_logger

log = get_logger()

MEDIA_TYPE: Final = "application/problem+json"

_OPERATIONAL: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that died between two statements
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
)
"""A server that restarts, is full or does not answer: nobody's bug, and a retry can succeed."""

_METHODS: Final[tuple[Method, ...]] = ("GET", "POST", "PUT", "PATCH", "DELETE")

AnyRequest = Request[Any, Any, Any]


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error, as RFC 9457 describes it."""

    type: str
    """Where a page explains this kind of error; relative to the API's address."""
    title: str
    status: int
    detail: str
    code: str
    """Stable; what a program should look at."""
    request_id: str
    """The same as the header `Request-Id`."""
    retryable: bool
    """Whether the same request can succeed later."""
    errors: tuple[FieldError, ...] = ()
    """Every wrong field."""
    last_seq: int | None = None
    """With `turn-out-of-order`: the last committed turn, which the client has not seen."""
    violated_policies: tuple[str, ...] = msgspec.field(default=(), name="violated-policies")
    """With `quota-exceeded`: names of the limits, as `GET /v1/limits` has them."""


def problem_type(code: str) -> str:
    """Return the `type` of a kind of error."""
    return f"/problems/{code}"


def answer_error(error: AppError, request_id: str) -> ASGIResponse:
    """Return the response for an expected refusal."""
    return ASGIResponse(
        body=_body(error, request_id),
        status_code=error.status,
        media_type=MEDIA_TYPE,
        headers=_headers(error),
    )


async def send_error(error: AppError, request_id: str, send: Send) -> None:
    """Send an expected refusal as plain ASGI: a third cheaper, which counts under overload."""
    body = _body(error, request_id)
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        *((name.lower().encode(), value.encode()) for name, value in _headers(error).items()),
    ]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _body(error: AppError, request_id: str) -> bytes:
    return msgspec.json.encode(
        Problem(
            type=problem_type(error.code),
            title=error.title,
            status=error.status,
            detail=error.detail,
            code=error.code,
            request_id=request_id,
            retryable=error.retryable,
            errors=error.errors,
            last_seq=getattr(error, "last_seq", None),
            violated_policies=getattr(error, "violated_policies", ()),
        )
    )


def _headers(error: AppError) -> dict[str, str]:
    headers = {}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, UnauthenticatedError):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, RequestTimeoutError):  # the rest of the body may still come
        headers["Connection"] = "close"
    return headers


def answer_exception(request: AnyRequest, error: Exception) -> Response[bytes]:
    """Return the response for anything that left a handler; the unexpected is logged as a bug."""
    request_id = str(request.scope["state"]["request_id"])
    shown = as_app_error(error, request_id)
    return Response(
        content=_body(shown, request_id),
        status_code=shown.status,
        media_type=MEDIA_TYPE,
        headers=_headers(shown) | _allow(request, shown),
    )


def as_app_error(error: Exception, request_id: str) -> AppError:
    """Return what the client may know of an exception."""
    if isinstance(error, AppError) and error.status < 500:
        return error
    if isinstance(error, (UnavailableError, TenantPausedError)):
        return error
    if isinstance(error, HTTPException) and error.status_code < 500:
        return _of_framework(error)
    if isinstance(error, _OPERATIONAL):
        log.warning("request.dependency_failed", request_id=request_id, error=type(error).__name__)
        return UnavailableError(retry_after_s=1)
    # The message of an exception may quote what a user wrote; its type and its place never do.
    log.error(
        "request.failed",
        request_id=request_id,
        error=type(error).__qualname__,
        trace=[
            f"{frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)
        ],
    )
    return AppError()


def _allow(request: AnyRequest, error: AppError) -> dict[str, str]:
    """Return the methods that the path has, which HTTP wants to hear with a 405."""
    if not isinstance(error, MethodNotAllowedError):
        return {}
    allowed = []
    for method in _METHODS:
        try:
            request.app.asgi_router.handle_routing(path=request.scope["path"], method=method)
        except HTTPException:
            continue
        allowed.append(method)
    return {"Allow": ", ".join(allowed)}


def _of_framework(error: HTTPException) -> AppError:
    if error.status_code == NotFoundError.status:
        return NotFoundError("No such path")
    if error.status_code == MethodNotAllowedError.status:
        return MethodNotAllowedError()
    return ValidationFailedError("The request cannot be read")
