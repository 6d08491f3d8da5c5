"""What the answer of a receiver means for the delivery: pure."""

from datetime import datetime
from typing import Final, Literal

from shared.contracts.base import Record
from shared.contracts.webhooks import DeliveryStatus
from shared.webhooks.outbound import Answer
from shared.webhooks.schedule import Chance, next_delay, read_retry_after

ABORT_HEADER: Final = "webhook-delivery"
ABORT: Final = "abort-message"
GONE: Final = 410

THROTTLING: Final = frozenset({429, 502, 503, 504})
"""Answers whose `Retry-After` is a pause for the whole endpoint."""


class Outcome(Record, frozen=True, kw_only=True):
    """What follows from an attempt."""

    result: Literal["succeeded", "failed", "aborted"]
    status: DeliveryStatus
    next_attempt_at: datetime | None = None
    pause_until: datetime | None = None
    """Nothing goes to the endpoint before."""
    is_gone: bool = False
    """The receiver wants nothing more at all."""


def judge(
    answer: Answer, attempts_made: int, now: datetime, chance: Chance, *, scale: float = 1.0
) -> Outcome:
    """Return the outcome of an attempt that ended now.

    Args:
        answer: What came back, or went wrong.
        attempts_made: Attempts of this delivery, with this one.
        now: When the attempt ended.
        chance: For the jitter.
        scale: Factor on the wait of the schedule, not on one that the receiver asks for.
    """
    status = answer.status
    if status is not None and 200 <= status < 300:
        return Outcome(result="succeeded", status="succeeded")
    if answer.headers.get(ABORT_HEADER, "").strip().lower() == ABORT:
        return Outcome(result="aborted", status="aborted")
    if status == GONE:
        return Outcome(result="failed", status="failed", is_gone=True)
    pause = read_retry_after(answer.headers.get("retry-after"), now)
    pause_until = now + pause if pause is not None and status in THROTTLING else None
    delay = next_delay(attempts_made, chance)
    if delay is None:
        return Outcome(result="failed", status="failed", pause_until=pause_until)
    next_attempt_at = max(now + scale * delay, pause_until or now)
    return Outcome(
        result="failed", status="pending", next_attempt_at=next_attempt_at, pause_until=pause_until
    )
