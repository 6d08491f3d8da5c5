"""Whatever goes wrong, as SCIM says it."""

import re
from collections.abc import Mapping
from typing import Final

import msgspec
from litestar.response.base import ASGIResponse
from pydantic import ValidationError
from scim2_models import Error, SCIMException

from services.api.problems import as_app_error
from shared.errors import (
    AppError,
    MalformedJsonError,
    RequestTimeoutError,
    UnauthenticatedError,
    ValidationFailedError,
)

MEDIA_TYPE: Final = "application/scim+json"

_SPOKEN: Final = re.compile(r"[^\x20-\x7e]")


def refused(error: Exception, request_id: str) -> ASGIResponse:
    """Return the answer to a request that failed; the unexpected is logged as a bug."""
    if isinstance(error, ValidationError):
        found = Error.from_validation_errors(error)[0]
        return _answer(found.status or 400, found.scim_type, found.detail or "", {})
    if isinstance(error, SCIMException):
        found = error.to_error()
        return _answer(found.status or 400, found.scim_type, found.detail or "", {})
    known = error if isinstance(error, AppError) else as_app_error(error, request_id)
    if known.status >= 500:
        known = as_app_error(known, request_id)
    kinds = ((MalformedJsonError, "invalidSyntax"), (ValidationFailedError, "invalidValue"))
    kind = next((word for kind, word in kinds if isinstance(known, kind)), None)
    detail = "; ".join([known.detail, *(each.detail for each in known.errors)])
    headers = {}
    if known.retry_after_s is not None:
        headers["Retry-After"] = str(known.retry_after_s)
    if isinstance(known, UnauthenticatedError):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(known, RequestTimeoutError):  # the rest of the body may still come
        headers["Connection"] = "close"
    return _answer(known.status, kind, detail, headers)


def _answer(status: int, kind: str | None, detail: str, headers: Mapping[str, str]) -> ASGIResponse:
    body: dict[str, object] = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": str(status),
        "detail": _SPOKEN.sub("?", detail)[:500],
    }
    if kind is not None:
        body["scimType"] = kind
    return ASGIResponse(
        body=msgspec.json.encode(body),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers=dict(headers),
    )
