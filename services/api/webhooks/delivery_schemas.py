"""Requests and answers about deliveries."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec

from services.api.events.schemas import MAX_POSITION
from services.api.events.service import KEPT
from services.api.fields import utc
from services.api.paging import PageQuery
from services.api.validation import RuleError, broken
from services.api.webhooks.records import Attempt, Delivery
from services.api.webhooks.recovery import Range, Recovered
from services.api.webhooks.schemas import moment
from shared.contracts.events import EventType
from shared.contracts.webhooks import DeliveryStatus, Trigger
from shared.errors import FieldError, ValidationFailedError
from shared.ids import format_id

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class DeliveryQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters of the log."""

    status: DeliveryStatus | None = None
    event_type: EventType | None = None


class RecoverCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Deliver a range of events again."""

    since: Moment
    """Inclusive; at most 30 days ago."""
    until: Moment | None = None
    """Exclusive; now when absent."""
    only_failed: bool = False
    """Not those that arrived. What waits to be delivered is left out in any case."""
    after: Annotated[int, msgspec.Meta(ge=0, le=MAX_POSITION)] | None = None
    """The `next_after` of the answer before, with the same range: goes on just there, at once."""

    def __post_init__(self) -> None:
        if self.until is not None and self.until <= self.since:
            raise RuleError(broken("/until", "out-of-order", "A range ends after it begins"))

    def range(self, now: datetime) -> Range:
        """Return what the service takes.

        Raises:
            ValidationFailedError: it begins before the feed does.
        """
        if self.since < now - KEPT - timedelta(minutes=1):
            detail = f"Events are kept for {KEPT.days} days"
            raise ValidationFailedError(
                errors=(FieldError(pointer="/since", code="out-of-range", detail=detail),)
            )
        return Range(
            since=self.since.astimezone(UTC),
            until=now if self.until is None else min(self.until, now),
            is_failed_only=self.only_failed,
            after=self.after,
        )


class RecoveredView(msgspec.Struct, frozen=True, kw_only=True):
    """What a recovery came to."""

    deliveries: int
    """How many were made; they are sent as the log shows."""
    next_since: datetime | None
    """Null when the range is done; else a `since` that leaves nothing out, for a later request."""
    next_after: int | None
    """Null when the range is done; else the `after` of the next request, which need not wait."""

    @classmethod
    def of(cls, recovered: Recovered) -> "RecoveredView":
        """Return the public form."""
        return cls(
            deliveries=recovered.count,
            next_since=moment(recovered.next_since),
            next_after=recovered.next_after,
        )


class AttemptView(msgspec.Struct, frozen=True, kw_only=True):
    """One try to deliver."""

    number: int
    started_at: datetime
    latency_ms: int
    result: Literal["succeeded", "failed", "aborted"]
    status_code: int | None
    """Null when there was no answer."""
    error: str | None
    """Without an answer: `timeout`, `refused`, `dns`, `tls`, `blocked-address`..."""
    response: str | None
    """The first 2 KiB of the answer; what is not UTF-8 is replaced."""
    next_attempt_at: datetime | None

    @classmethod
    def of(cls, attempt: Attempt) -> "AttemptView":
        """Return the public form."""
        response = attempt.response
        return cls(
            number=attempt.number,
            started_at=utc(attempt.started_at),
            latency_ms=attempt.latency_ms,
            result=attempt.result,
            status_code=attempt.status_code,
            error=attempt.error,
            response=None if response is None else response.decode("utf-8", "replace"),
            next_attempt_at=moment(attempt.next_attempt_at),
        )


class DeliverySummaryView(msgspec.Struct, frozen=True, kw_only=True):
    """One event on its way to one endpoint."""

    id: str
    endpoint_id: str
    event_id: str
    """The `webhook-id`: the same for every attempt and every delivery of the event."""
    event_type: str
    position: int | None
    """Of the event in the feed; null for a test."""
    trigger: Trigger
    status: DeliveryStatus
    attempts: list[AttemptView]
    next_attempt_at: datetime | None
    created_at: datetime
    finished_at: datetime | None


class DeliveryView(DeliverySummaryView, frozen=True, kw_only=True):
    """One event on its way to one endpoint, and what is sent."""

    body: str | None
    """Exactly the bytes that are signed and sent; null when the person they were about was
    erased.
    """


def summary_view(delivery: Delivery) -> DeliverySummaryView:
    """Return the public form for lists."""
    return DeliverySummaryView(**_fields(delivery))


def delivery_view(delivery: Delivery) -> DeliveryView:
    """Return the public form."""
    body = delivery.body
    return DeliveryView(**_fields(delivery), body=None if body is None else body.decode())


def _fields(delivery: Delivery) -> dict[str, Any]:
    same = ("event_type", "position", "trigger", "status")
    moments = ("next_attempt_at", "created_at", "finished_at")
    return {
        "id": format_id("dlv", delivery.delivery_id),
        "endpoint_id": format_id("whe", delivery.endpoint_id),
        "event_id": format_id("evt", delivery.event_id),
        "attempts": [AttemptView.of(each) for each in delivery.attempts],
        **{name: getattr(delivery, name) for name in same},
        **{name: moment(getattr(delivery, name)) for name in moments},
    }
