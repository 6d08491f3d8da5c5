"""What every operation may answer instead of an answer."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from services.api.endpoint import Endpoint
from services.api.openapi.access import opens_to_tokens
from services.api.openapi.headers import Headers
from services.api.problem_pages import error_types
from services.api.problems import MEDIA_TYPE, Problem, problem_type
from shared.errors import (
    ApiVersionUnknownError,
    AppError,
    BacklogFullError,
    FieldError,
    IdempotencyKeyMissingError,
    IdempotencyKeyReusedError,
    KeyExpiredError,
    MalformedJsonError,
    NotFoundError,
    OriginNotAllowedError,
    PayloadTooLargeError,
    RequestTimeoutError,
    ScopeMissingError,
    TenantSuspendedError,
    TurnOutOfOrderError,
    UnauthenticatedError,
    UnavailableError,
    UnsupportedMediaTypeError,
    ValidationFailedError,
)

Json = dict[str, Any]

_EVERY: Final[tuple[type[AppError], ...]] = (
    ValidationFailedError,
    ApiVersionUnknownError,
    UnauthenticatedError,
    KeyExpiredError,
    ScopeMissingError,
    TenantSuspendedError,
    BacklogFullError,
    AppError,
    UnavailableError,
)
_WITH_BODY: Final[tuple[type[AppError], ...]] = (
    MalformedJsonError,
    PayloadTooLargeError,
    RequestTimeoutError,
    UnsupportedMediaTypeError,
)

_REQUEST_ID: Final = "req_01k9x4j5z8f7vr2m0q3c6d1b9h"


class Refusals:
    """The refusals of a document: each distinct one is a component that operations share."""

    def __init__(self, problem_schema: Json, headers: Headers) -> None:
        self._schema = problem_schema
        self._headers = headers
        self._used: dict[str, type[AppError]] = {}
        self.responses: Json = {}

    def of(self, contract: Endpoint) -> Json:
        """Return the refusals of an operation by status."""
        by_status: dict[int, list[str]] = {}
        for kind in _kinds(contract):
            self._used.setdefault(kind.code, error_types()[kind.code])
            codes = by_status.setdefault(kind.status, [])
            if kind.code not in codes:
                codes.append(kind.code)
        return {
            str(status): {"$ref": f"#/components/responses/{self._named(status, codes)}"}
            for status, codes in sorted(by_status.items())
        }

    def examples(self) -> Json:
        """Return an example of every kind of refusal that an operation has."""
        return {
            f"problem-{code}": {
                "summary": kind.title,
                "value": msgspec.to_builtins(_example(kind)),
            }
            for code, kind in sorted(self._used.items())
        }

    def _named(self, status: int, codes: list[str]) -> str:
        ordered = sorted(codes)
        name = f"{status}-{'-'.join(ordered)}"
        self.responses[name] = {
            "description": "`" + "`, `".join(ordered) + "`",
            "headers": self._headers.of_problem(status),
            "content": {
                MEDIA_TYPE: {
                    "schema": self._schema,
                    "examples": {
                        code: {"$ref": f"#/components/examples/problem-{code}"} for code in ordered
                    },
                }
            },
        }
        return name


def _kinds(contract: Endpoint) -> Iterator[type[AppError]]:
    yield from contract.problems
    yield from _EVERY
    if contract.body is not None:
        yield from _WITH_BODY
    if contract.idempotency == "required":
        yield IdempotencyKeyMissingError
    if contract.idempotency != "none":
        yield IdempotencyKeyReusedError
    if contract.path_ids or contract.path_texts or contract.path_numbers:
        yield NotFoundError
    if opens_to_tokens(contract):
        yield OriginNotAllowedError


def _example(kind: type[AppError]) -> Problem:
    wrong = FieldError(pointer="/learner_id", code="format", detail="Not an id of a learner")
    return Problem(
        type=problem_type(kind.code),
        title=kind.title,
        status=kind.status,
        detail=kind.title,
        code=kind.code,
        request_id=_REQUEST_ID,
        retryable=kind.retryable,
        errors=(wrong,) if issubclass(kind, ValidationFailedError) else (),
        violated_policies=getattr(kind, "violated_policies", ()),
        last_seq=4 if issubclass(kind, TurnOutOfOrderError) else None,
    )
