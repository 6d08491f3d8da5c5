"""Refusals that only owners of webhook endpoints meet."""

from shared.contracts.webhooks import MAX_ENDPOINTS
from shared.errors import AppError


class EndpointsFullError(AppError):
    """The tenant has as many webhook endpoints as it may have; delete one first."""

    code, status, title = "webhook-endpoints-full", 409, "There are too many webhook endpoints"

    def __init__(self) -> None:
        super().__init__(f"A tenant has {MAX_ENDPOINTS} webhook endpoints at most")


class EndpointDisabledError(AppError):
    """The webhook endpoint is disabled, so nothing can be sent to it; enable it first."""

    code, status, title = "webhook-endpoint-disabled", 409, "The webhook endpoint is disabled"


class SecretsFullError(AppError):
    """The secret was rotated so often that too many earlier ones still sign; wait until the oldest
    expires, or revoke them with `revoke_now`.
    """

    code, status, title = "webhook-secrets-full", 409, "Too many earlier secrets still sign"


class RecoveredJustNowError(AppError):
    """A range can be recovered once per minute and endpoint."""

    code, status, title = "webhook-recovery-too-soon", 429, "A recovery has run a moment ago"
    retryable = True
