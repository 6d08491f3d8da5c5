"""What the one request path counts: limits that refused, and what became of idempotency keys."""

from services.api.answers import Answer
from services.api.idempotency import Claim
from shared.errors import AppError, IdempotencyKeyReusedError
from shared.telemetry import catalog

TOO_MANY = 429
CONFLICT = 409


def count_answer(answer: Answer, claim: Claim | None) -> None:
    """Count a request that was let through."""
    catalog.RATE_LIMITS.add("requests", "allowed")
    if claim is not None:
        catalog.IDEMPOTENCY.add("replayed" if answer.replayed else "new")


def count_refusal(error: AppError) -> None:
    """Count a request that was refused, where it says something about limits or keys."""
    if error.status == TOO_MANY:
        policies = getattr(error, "violated_policies", ())
        catalog.RATE_LIMITS.add(policies[0] if policies else "requests", "refused")
    elif isinstance(error, IdempotencyKeyReusedError):
        catalog.IDEMPOTENCY.add("reused")
