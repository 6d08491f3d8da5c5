"""Every expected refusal: a stable code, an HTTP status, and whether trying again can help.

Only `services/api/problems.py` turns these into HTTP. A status of 500 means a bug; expected
refusals are 4xx.
"""

from typing import ClassVar

import msgspec


class FieldError(msgspec.Struct, frozen=True, kw_only=True):
    """One wrong field of a request."""

    pointer: str
    """JSON Pointer into the body (`/turns/0/role`), or `query:limit`, `path:id`,
    `header:Idempotency-Key`.
    """
    code: str
    """Stable and machine-readable, for example `type`, `unknown-field`, `too-long`."""
    detail: str
    """One sentence for a person."""


class AppError(Exception):
    """Base of every expected refusal."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong on our side"
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: tuple[FieldError, ...] = (),
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.errors = errors
        self.retry_after_s = retry_after_s


class ValidationFailedError(AppError):
    """Fields are wrong; all of them are named."""

    code, status, title = "validation-failed", 400, "The request has wrong fields"


class MalformedJsonError(AppError):
    """The body is not JSON."""

    code, status, title = "malformed-json", 400, "The body is not valid JSON"


class IdempotencyKeyMissingError(AppError):
    """A write that can be retried came without a key."""

    code, status, title = "idempotency-key-missing", 400, "Idempotency-Key is required here"


class CursorInvalidError(AppError):
    """The page cursor is not one of ours, or belongs to other filters."""

    code, status, title = "cursor-invalid", 400, "The cursor is not valid for this list"


class ApiVersionUnknownError(AppError):
    """`Api-Version` names no version that there is."""

    code, status, title = "api-version-unknown", 400, "There is no such version of the API"


class UnauthenticatedError(AppError):
    """No key, an unknown key, or a revoked one."""

    code, status, title = "unauthenticated", 401, "A valid API key is required"


class KeyExpiredError(AppError):
    """The key was valid once."""

    code, status, title = "key-expired", 401, "The API key has expired"


class ScopeMissingError(AppError):
    """The key may not do this."""

    code, status, title = "scope-missing", 403, "The API key lacks a scope"


class RankingOffError(AppError):
    """The tenant does not want its people ranked."""

    code, status, title = "ranking-off", 403, "This tenant does not rank people"


class AddressNotAllowedError(AppError):
    """The key is good, but not from where the request came."""

    code, status, title = "address-not-allowed", 403, "The key is not good from this address"


class TranscriptRemovedError(AppError):
    """Nobody has the words of this conversation any more: its time was over, or its person left."""

    code, status, title = "transcript-removed", 409, "The words of this conversation are gone"


class OriginNotAllowedError(AppError):
    """A learner token came from a page that its tenant does not list or it was not made for."""

    code, status, title = "origin-not-allowed", 403, "This page may not call the API"


class TenantSuspendedError(AppError):
    """The tenant is suspended."""

    code, status, title = "tenant-suspended", 403, "This tenant is suspended"


class NotFoundError(AppError):
    """No such object for this caller; objects of other tenants look exactly the same."""

    code, status, title = "not-found", 404, "No such object"


class MethodNotAllowedError(AppError):
    """The path exists, the method does not."""

    code, status, title = "method-not-allowed", 405, "This method is not allowed here"


class LastOwnerError(AppError):
    """A tenant keeps one active owner; make another one first."""

    code, status, title = "last-owner", 409, "This is the last active owner"


class ConflictError(AppError):
    """The object already exists with other content."""

    code, status, title = "conflict", 409, "The object already exists"


class TurnInProgressError(AppError):
    """The customer has not answered the last turn yet."""

    code, status, title = "turn-in-progress", 409, "A reply is still pending"
    retryable = True


class TurnOutOfOrderError(AppError):
    """`expected_seq` is not the last committed turn."""

    code, status, title = "turn-out-of-order", 409, "The conversation has moved on"


class SimulationClosedError(AppError):
    """The simulation has ended."""

    code, status, title = "simulation-closed", 409, "The simulation has ended"


class RequestTimeoutError(AppError):
    """The body did not arrive in time."""

    code, status, title = "request-timeout", 408, "The body did not arrive in time"
    retryable = True


class PayloadTooLargeError(AppError):
    """The body is over the limit."""

    code, status, title = "payload-too-large", 413, "The body is too large"


class UnsupportedMediaTypeError(AppError):
    """The body is not JSON by its own header."""

    code, status, title = "unsupported-media-type", 415, "Send application/json"


class IdempotencyKeyReusedError(AppError):
    """The same key came with another request."""

    code, status, title = (
        "idempotency-key-reused",
        422,
        "This Idempotency-Key was used for another request",
    )


class BacklogFullError(AppError):
    """The tenant's queue is full."""

    code, status, title = "quota-exceeded", 429, "A limit of this tenant is reached"
    retryable = True
    violated_policies: ClassVar[tuple[str, ...]] = ("waiting-work",)
    """Names of the limits, as in the header `RateLimit-Policy` or in `/v1/limits`."""


class RequestRateError(BacklogFullError):
    """The tenant sends more requests than its rate allows."""

    violated_policies = ("requests",)


class ConcurrencyExceededError(AppError):
    """Too much of the tenant's work of one kind is under way at once."""

    code, status, title = (
        "concurrency-exceeded",
        429,
        "Too much of this tenant's work is under way",
    )
    retryable = True
    violated_policies: tuple[str, ...] = ("simulations", "autopilot", "scorings")
    """Of an instance: the one limit, as `/v1/limits` names it."""

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: tuple[FieldError, ...] = (),
        retry_after_s: int | None = None,
        policy: str | None = None,
    ) -> None:
        super().__init__(detail, errors=errors, retry_after_s=retry_after_s)
        if policy is not None:
            self.violated_policies = (policy,)


class TenantPausedError(AppError):
    """The tenant is paused or being drained: nothing new begins."""

    code, status, title = "tenant-paused", 503, "This tenant takes no new work now"
    retryable = True


class UnavailableError(AppError):
    """A part of the system does not answer."""

    code, status, title = "temporary-reduced-capacity", 503, "Temporarily unavailable"
    retryable = True
